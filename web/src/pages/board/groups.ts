// Groups of the cards of a column. The browser skips the groups that are out of view as a whole: with thousands
// of single cards, finding out which are in view takes a quarter of the time of a change.

export interface Group {
  key: string;
  ids: readonly string[];
}

const AVERAGE_SIZE = 24; // more cards than a column has in view
const GOLDEN = 0x9e3779b1; // 2³² divided by the golden ratio: neighbouring ids get numbers far from each other

// Splits ids by what they are, not by where they are, so that a card that comes or goes changes its group only.
// Groups that are as they were among the former ones are the same objects, and need not be drawn again.
export function groupsOf(ids: readonly string[], former: readonly Group[] = []): Group[] {
  const known = new Map(former.map((group) => [group.key, group]));
  return split(ids).map((group) => {
    const before = known.get(group.key);
    return before && before.ids.join() === group.ids.join() ? before : group;
  });
}

function split(ids: readonly string[]): Group[] {
  const groups: { key: string; ids: string[] }[] = [];
  for (const id of ids) {
    const starts = startsGroup(id);
    if (starts || groups.length === 0) groups.push({ key: starts ? id : "top", ids: [] });
    groups.at(-1)?.ids.push(id);
  }
  return groups;
}

function startsGroup(id: string): boolean {
  return (Math.imul(Number.parseInt(id.slice(-6), 16), GOLDEN) >>> 16) % AVERAGE_SIZE === 0;
}
