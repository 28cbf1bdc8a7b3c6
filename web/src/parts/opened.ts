// What a page opens for its address, such as a board, and closes when the address has changed.
import { useEffect, useState } from "preact/hooks";

interface Openable {
  open(): Promise<unknown>;
  close(): void;
}

// Returns what was opened for the present key. The previous one stays until the next one has been read.
export function useOpened<T extends Openable>(
  make: () => T,
  key: string,
): { opened: T | null; failure: unknown } {
  const [state, setState] = useState<{ opened: T | null; failure: unknown }>({ opened: null, failure: null });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `make` is the same as long as the key is
  useEffect(() => {
    const opened = make();
    opened.open().then(
      () => setState({ opened, failure: null }),
      (failure) => setState({ opened: null, failure }),
    );
    return () => opened.close();
  }, [key]);
  return state;
}
