// Where everything in a picture is, in pixels. Nothing here touches the document.
//
// Many events share one instant of virtual time, so each entry has a column of its own. Columns of the same instant
// form a block; between two blocks time passes, and a long stretch without an event is drawn shorter than it was.

const COLUMN = 32;
const FOLD_COLUMN = 76;
const SHORTEST_GAP = 16;
const LONGEST_GAP = 88;
const AXIS = 30;
const TAIL = 96;
const LANE = 48;
const ROW = 26;

function layOut(picture, zoom, isShown) {
  const columns = picture.entries
    .map((entry, index) => ({ entry, index }))
    .filter(({ entry }) => isFold(entry) || isShown(entry.kind));
  const blocks = blocksOf(columns, picture.end);
  const gaps = placeBlocks(blocks, zoom);
  const last = blocks[blocks.length - 1];
  const layout = { columns, blocks, gaps, width: (last ? last.right : 0) + TAIL };
  layout.xAt = (instant) => xAt(blocks, instant);
  layout.columnOf = new Map(columns.map((column) => [column.index, column]));
  placeRuns(layout, picture, isShown);
  placeLanes(layout, picture);
  return layout;
}

const isFold = (entry) => entry.times !== undefined;

function blocksOf(columns, end) {
  const blocks = [];
  for (const column of columns) {
    let block = blocks[blocks.length - 1];
    if (!block || block.until !== column.entry.at || isFold(column.entry)) {
      block = { at: column.entry.at, until: column.entry.until ?? column.entry.at, columns: [] };
      blocks.push(block);
    }
    block.columns.push(column);
  }
  if (!blocks.length || blocks[blocks.length - 1].until < end) blocks.push({ at: end, until: end, columns: [] });
  return blocks;
}

function placeBlocks(blocks, zoom) {
  const spans = blocks.slice(1).map((block, index) => Math.max(0, block.at - blocks[index].until));
  const sorted = spans.filter((span) => span > 0).sort((a, b) => a - b);
  const usual = sorted[Math.floor(sorted.length / 2)] || 1;
  const gaps = [];
  let x = 12;
  blocks.forEach((block, index) => {
    if (index && spans[index - 1] > 0) {
      const wanted = SHORTEST_GAP + (24 * spans[index - 1]) / usual;
      const width = Math.min(wanted, LONGEST_GAP) * zoom;
      gaps.push({ x, width, span: spans[index - 1], isIdle: wanted > LONGEST_GAP });
      x += width;
    }
    block.left = x;
    for (const column of block.columns) {
      column.x = x;
      column.width = isFold(column.entry) ? Math.max(64, FOLD_COLUMN * zoom) : COLUMN * zoom;
      x += column.width;
    }
    block.right = x;
  });
  return gaps;
}

function xAt(blocks, instant) {
  let before = null;
  for (const block of blocks) {
    if (instant < block.at) {
      if (!before) return block.left;
      const share = (instant - before.until) / (block.at - before.until);
      return before.right + share * (block.left - before.right);
    }
    if (instant <= block.until) return block.left;
    before = block;
  }
  return before ? before.right : 0;
}

function placeRuns(layout, picture, isShown) {
  layout.runs = [];
  layout.rows = new Map();
  if (!isShown("invocation")) return;
  const ends = new Map();
  for (const column of layout.columns) {
    if (column.entry.ends !== undefined) ends.set(column.entry.ends, column);
  }
  for (const column of layout.columns) {
    const number = column.entry.begins;
    if (number === undefined) continue;
    const run = picture.runs[number];
    const end = ends.get(number);
    const left = column.x + 3;
    const right = Math.max(end ? end.x + end.width - 3 : layout.xAt(run.to), column.x + column.width - 3);
    layout.runs.push({ run, number, left, right, order: column.index + 0.5, row: takeRow(layout.rows, run.lane, left, right) });
  }
}

// The first row of a lane that is free from `left` on: invocations that overlap are drawn below each other.
function takeRow(rows, lane, left, right) {
  if (!rows.has(lane)) rows.set(lane, []);
  const taken = rows.get(lane);
  let row = taken.findIndex((end) => end <= left);
  if (row < 0) row = Math.min(taken.length, 11);
  taken[row] = right;
  return row;
}

function placeLanes(layout, picture) {
  let y = AXIS;
  layout.lanes = picture.lanes.map(([kind, label, key], index) => {
    const rows = (layout.rows.get(index) || []).length;
    const height = Math.max(LANE, rows * ROW + LANE - ROW);
    const lane = { kind, label, key, top: y, height, middle: y + height / 2 };
    y += height;
    return lane;
  });
  layout.height = y + 6;
}

// The states of mappings, from one transition to the next.
function bandsOf(layout, picture) {
  const open = new Map();
  const bands = [];
  const close = (lane, x) => {
    if (open.has(lane)) bands.push({ lane, ...open.get(lane), right: x });
    open.delete(lane);
  };
  picture.entries.forEach((entry, index) => {
    const column = layout.columnOf.get(index);
    const x = column ? column.x + column.width / 2 : layout.xAt(entry.at);
    const changes = isFold(entry) ? entry.states : entry.kind === "transition" ? [[entry.lane, stateOf(picture, entry)]] : [];
    for (const [lane, state] of changes) {
      close(lane, x);
      if (state !== "Deleted") open.set(lane, { state, left: x });
    }
  });
  for (const lane of [...open.keys()]) close(lane, layout.width - 12);
  return bands;
}

function stateOf(picture, entry) {
  return picture.texts[entry.text].split(" (")[0];
}

// The way of each record: what it was part of, in order, and the arrows between those.
function journeysOf(layout, picture) {
  const journeys = picture.items.map(() => []);
  const add = (items, stop) => items.forEach((item) => journeys[item].push(stop));
  for (const { entry, index, x, width } of layout.columns) {
    if (!entry.items || entry.begins !== undefined || entry.ends !== undefined) continue;
    const middle = x + width / 2;
    add(entry.items, { id: `e${index}`, kind: entry.kind, after: entry.after, left: middle - 9, right: middle + 9, y: layout.lanes[entry.lane].middle, order: index });
  }
  for (const run of layout.runs) {
    const lane = layout.lanes[run.run.lane];
    add(run.run.items, { id: `r${run.number}`, kind: "run", left: run.left, right: run.right, y: yOfRow(lane, run.row), order: run.order });
  }
  for (const stops of journeys) stops.sort((a, b) => a.order - b.order);
  return journeys;
}

function yOfRow(lane, row) {
  return lane.top + (LANE - ROW) / 2 + row * ROW + ROW / 2;
}

function arrowsOf(journeys) {
  const arrows = new Map();
  journeys.forEach((stops, item) => {
    for (let place = 1; place < stops.length; place++) {
      const to = stops[place];
      const from = stops.find((stop) => to.after !== undefined && stop.id === `r${to.after}`) || stops[place - 1];
      const key = `${from.id} ${to.id}`;
      const isRetry = ["poll", "run"].includes(to.kind) && !["poll", "call", "delivery"].includes(from.kind);
      if (!arrows.has(key)) arrows.set(key, { from, to, isRetry, items: new Set() });
      arrows.get(key).items.add(item);
    }
  });
  return [...arrows.values()].slice(0, 800);
}

function spanText(microseconds) {
  if (microseconds === 0) return "0 s";
  if (microseconds < 1e3) return `${microseconds} µs`;
  if (microseconds < 1e6) return `${+(microseconds / 1e3).toPrecision(4)} ms`;
  if (microseconds < 60e6) return `${+(microseconds / 1e6).toFixed(3)} s`;
  const minutes = Math.floor(microseconds / 60e6);
  const seconds = +((microseconds - minutes * 60e6) / 1e6).toFixed(3);
  const parts = [[Math.floor(minutes / 1440), "d"], [Math.floor(minutes / 60) % 24, "h"], [minutes % 60, "min"], [seconds, "s"]];
  return parts.filter(([size]) => size).map(([size, unit]) => `${size} ${unit}`).join(" ");
}
