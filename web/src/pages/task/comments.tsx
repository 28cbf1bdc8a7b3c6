// The comments on a task. What is being written survives that the page is loaded again.
import { useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";
import { all, api, content, type Schemas, type Task } from "../../api/client";
import { explain } from "../../api/problems";
import { Ago } from "../../parts/ago";
import { closeDialog, showDialog } from "../../parts/dialog";
import { announce } from "../../parts/live";
import { Markdown } from "../../parts/markdown";
import { MentionArea } from "../../parts/mention";
import { Avatar } from "../../parts/person";
import { showFailure } from "../../parts/toast";
import { keepDraft, readDraft } from "../../state/drafts";
import { mayManage, mayWrite, me, nameOf } from "../../state/session";
import type { TaskPage } from "./state";

type Comment = Schemas["Comment"];

const MAX_LENGTH = 10_000;

export function Comments({ page, task }: { page: TaskPage; task: Task }) {
  const [comments, setComments] = useState<readonly Comment[]>([]);
  const turn = page.commentTurn.value;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each turn is a change of the comments
  useEffect(() => {
    let isCurrent = true;
    const read = (cursor?: string) => {
      const params = { path: { task_id: task.id }, query: { limit: 200, cursor } };
      return content(api.GET("/api/v1/tasks/{task_id}/comments", { params }));
    };
    all(read).then((found) => isCurrent && setComments(found), showFailure);
    return () => {
      isCurrent = false;
    };
  }, [task.id, turn]);
  return (
    <section class="group" aria-label="Comments">
      <header>
        <h2>Comments</h2>
        {comments.length > 0 && <span class="hint">{comments.length}</span>}
      </header>
      <ol class="comments">
        {comments.map((comment) => (
          <CommentItem key={comment.id} comment={comment} />
        ))}
      </ol>
      {mayWrite.value && <NewComment task={task} />}
    </section>
  );
}

function NewComment({ task }: { task: Task }) {
  const send = async (text: string) => {
    const params = { path: { task_id: task.id } };
    await content(api.POST("/api/v1/tasks/{task_id}/comments", { params, body: { text } }));
    announce("The comment is there");
  };
  return (
    <TextForm
      draft={`comment:${task.id}`}
      label="Write a comment"
      action="Comment"
      shortcut="m"
      onSend={send}
    />
  );
}

function CommentItem({ comment }: { comment: Comment }) {
  const draft = `comment-edit:${comment.id}`;
  const [isEdited, edit] = useState(readDraft(draft) !== "");
  const isChanged = comment.version > 1;
  const mayChange = mayWrite.value && (mayManage.value || comment.author_id === me.value.id);
  const path = { task_id: comment.task_id, comment_id: comment.id };
  const save = async (text: string) => {
    const body = { text, version: comment.version };
    await content(api.PATCH("/api/v1/tasks/{task_id}/comments/{comment_id}", { params: { path }, body }));
    edit(false);
  };
  return (
    <li class="comment" aria-label={`Comment by ${nameOf(comment.author_id)}`}>
      <Avatar id={comment.author_id} />
      <div>
        <header>
          <strong>
            <bdi>{nameOf(comment.author_id)}</bdi>
          </strong>
          <span class="hint">
            <Ago at={comment.created_at} />
            {isChanged && ", edited"}
          </span>
          {mayChange && !isEdited && (
            <span class="comment-actions">
              <button type="button" class="link" onClick={() => edit(true)}>
                Edit
              </button>
              <button type="button" class="link" onClick={() => confirmDelete(comment)}>
                Delete
              </button>
            </span>
          )}
        </header>
        {isEdited ? (
          <TextForm
            draft={draft}
            initial={comment.text}
            label="Edit the comment"
            action="Save"
            onSend={save}
            onCancel={() => edit(false)}
          />
        ) : (
          <Markdown text={comment.text} />
        )}
      </div>
    </li>
  );
}

function TextForm(form: {
  draft: string;
  initial?: string;
  label: string;
  action: string;
  shortcut?: string;
  onSend: (text: string) => Promise<void>;
  onCancel?: () => void;
}) {
  const text = useSignal(readDraft(form.draft) || (form.initial ?? ""));
  const failure = useSignal("");
  const isSending = useSignal(false);
  const set = (value: string) => {
    text.value = value;
    keepDraft(form.draft, value === form.initial ? "" : value);
  };
  const send = async () => {
    if (!text.peek().trim() || isSending.peek()) return;
    isSending.value = true;
    try {
      const sent = text.peek();
      await form.onSend(sent);
      failure.value = "";
      if (text.peek() === sent) set("");
    } catch (error) {
      failure.value = explain(error);
    } finally {
      isSending.value = false;
    }
  };
  const cancel =
    form.onCancel &&
    (() => {
      keepDraft(form.draft, "");
      form.onCancel?.();
    });
  return (
    <form
      class="form edit"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      onKeyDown={(event) => {
        if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void send();
        else if (
          event.key === "Escape" &&
          !event.defaultPrevented &&
          document.activeElement instanceof HTMLElement
        )
          document.activeElement.blur();
      }}
    >
      <MentionArea
        label={form.label}
        placeholder={form.onCancel ? undefined : "Write a comment. @ mentions somebody; Markdown works."}
        rows={2}
        shortcut={form.shortcut}
        maxLength={MAX_LENGTH}
        value={text.value}
        autofocus={Boolean(form.onCancel)}
        onValue={set}
      />
      {failure.value && (
        <p class="failure" role="alert">
          {failure.value}
        </p>
      )}
      <div class="actions">
        {cancel && (
          <button type="button" class="quiet" onClick={cancel}>
            Cancel
          </button>
        )}
        <button
          type="submit"
          class={form.onCancel ? "primary" : undefined}
          disabled={!text.value.trim() || isSending.value}
        >
          {form.action}
        </button>
      </div>
    </form>
  );
}

function confirmDelete(comment: Comment): void {
  const path = { task_id: comment.task_id, comment_id: comment.id };
  const remove = () => {
    closeDialog();
    content(api.DELETE("/api/v1/tasks/{task_id}/comments/{comment_id}", { params: { path } })).then(
      () => announce("The comment is deleted"),
      showFailure,
    );
  };
  showDialog({
    title: "Delete this comment?",
    content: () => (
      <>
        <p>It disappears for everybody. The log keeps its text.</p>
        <div class="actions">
          <button type="button" class="quiet" onClick={closeDialog}>
            Keep it
          </button>
          <button type="button" class="primary" onClick={remove}>
            Delete
          </button>
        </div>
      </>
    ),
  });
}
