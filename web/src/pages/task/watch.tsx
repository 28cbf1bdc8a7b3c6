// Whether one is told about changes of this task.
import { useEffect, useState } from "preact/hooks";
import { api, content, type Task } from "../../api/client";
import { Icon } from "../../parts/icon";
import { announce } from "../../parts/live";
import { showFailure } from "../../parts/toast";

export function WatchButton({ task }: { task: Task }) {
  const [isWatching, setWatching] = useState(false);
  const params = { path: { task_id: task.id } };
  // Whoever is assigned or mentioned begins to watch.
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new version may have changed it
  useEffect(() => {
    content(api.GET("/api/v1/tasks/{task_id}/watch", { params })).then(
      ({ watching }) => setWatching(watching),
      showFailure,
    );
  }, [task.id, task.version]);
  const toggle = async () => {
    const answer = isWatching
      ? api.DELETE("/api/v1/tasks/{task_id}/watch", { params })
      : api.PUT("/api/v1/tasks/{task_id}/watch", { params });
    await content<unknown>(answer);
    setWatching(!isWatching);
    announce(isWatching ? "You no longer watch this task" : "You watch this task");
  };
  return (
    <button
      type="button"
      class="quiet"
      data-key="w"
      aria-pressed={isWatching}
      onClick={() => void toggle().catch(showFailure)}
    >
      <Icon name="watch" />
      {isWatching ? "Watching" : "Watch"}
    </button>
  );
}
