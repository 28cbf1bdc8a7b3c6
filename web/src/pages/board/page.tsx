// The board: the tasks of a project, or of all, in columns by status.
import { explain } from "../../api/problems";
import { Empty, NothingMatches } from "../../parts/empty";
import { useOpened } from "../../parts/opened";
import { startQuickAdd } from "../../shell/quick-add";
import { type Command, useCommands } from "../../state/keys";
import { isAdmin, mayWrite } from "../../state/session";
import { Board } from "./board";
import { showMoveMenu } from "./card";
import { DemoOffer, isFirst } from "./demo";
import { filters, isFiltered, selection, sort } from "./filters";
import { Grid } from "./grid";
import { BoardHead, clearFilters } from "./head";
import { currentCard } from "./keys";
import { complainAboutNoCard } from "./moves";

export default function BoardPage() {
  const { opened: board, failure } = useOpened(() => new Board(filters.peek(), sort.peek()), selection.value);
  useCommands(board ? commandsOf(board) : []);
  return (
    <>
      <BoardHead />
      {failure !== null && (
        <Empty title="The board cannot be shown">
          <p role="alert">{explain(failure)}</p>
        </Empty>
      )}
      {board && failure === null && <Content board={board} />}
      {!board && failure === null && <p class="loading">Loading…</p>}
    </>
  );
}

function Content({ board }: { board: Board }) {
  if (board.columns.some((column) => column.total.value > 0))
    return <Grid key={board.number} board={board} />;
  return isFiltered.value ? <NothingMatches onClear={clearFilters} /> : <NoTasks />;
}

function NoTasks() {
  return (
    <Empty title="There are no tasks here yet">
      {mayWrite.value && (
        <p>
          <button type="button" class="primary" onClick={startQuickAdd}>
            Create the first one
          </button>
        </p>
      )}
      {isAdmin.value && isFirst.value && <DemoOffer />}
    </Empty>
  );
}

function commandsOf(board: Board): Command[] {
  const move = () => {
    const id = currentCard();
    const anchor = id && document.querySelector<HTMLElement>(`[data-card="${id}"] a`);
    if (id && anchor) showMoveMenu(anchor, board, id);
    else complainAboutNoCard();
  };
  return [{ keys: "m", label: "Move the card", group: "Board", run: move }];
}
