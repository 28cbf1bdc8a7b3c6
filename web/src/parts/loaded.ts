// What a component reads from the API when it is shown.
import { useCallback, useEffect, useState } from "preact/hooks";
import { showFailure } from "./toast";

// Returns what was read, null before, and a function that reads it again. `key` says what it depends on.
export function useLoaded<T>(load: () => Promise<T>, key = ""): [T | null, () => Promise<void>] {
  const [loaded, setLoaded] = useState<T | null>(null);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `load` is the same as long as the key is
  const reload = useCallback(() => load().then(setLoaded, showFailure), [key]);
  useEffect(() => {
    void reload();
  }, [reload]);
  return [loaded, reload];
}
