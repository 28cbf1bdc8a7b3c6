// The board.
export default function BoardPage() {
  return (
    <header class="page-head">
      <h1>Board</h1>
    </header>
  );
}
