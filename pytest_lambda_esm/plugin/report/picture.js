// Draws a picture as SVG, and moves the focus in it. All texts are set as text, never as markup.

const SVG = "http://www.w3.org/2000/svg";

const ICONS = {
  __proto__: null,
  call: "M-4 0H4M1 -3L4 0L1 3",
  request: "M-4 0H4M1 -3L4 0L1 3",
  delivery: "M-4 0H4M1 -3L4 0L1 3",
  poll: "M0 -4V4M-3 1L0 4L3 1",
  transition: "M0 -4L4 0L0 4L-4 0Z",
  throttle: "M-2 -3V3M2 -3V3",
  retry: "M3 -3A4.2 4.2 0 1 0 4.2 1M4 -5V-2.2H1.2",
  sleep: "M-3 -3H3L-3 3H3",
  advice: "M0 -1V4M0 -4.2V-3.4",
  fault: "M1 -6L-4 1H0L-1 6L4 -1H0Z",
  permission: "M-3.5 -0.5H3.5V4.5H-3.5ZM-2 -0.5V-2.5A2 2 0 0 1 2 -2.5V-0.5",
  ok: "M-4 0L-1 3L4 -3",
  bad: "M-3 -3L3 3M3 -3L-3 3",
  warn: "M0 -4V1M0 3.2V4",
  info: "M0 -1V1",
  fate: "M-4 0L-1 3L4 -3",
  invocation: "M-6 -3.5H6V3.5H-6Z",
};

function iconOf(kind) {
  return svg("svg", { class: "icon", viewBox: "-7 -7 14 14", width: 14, height: 14, "aria-hidden": "true" }, svg("path", { d: ICONS[kind] || ICONS.info }));
}

function svg(name, attributes, ...children) {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes || {})) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

function html(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else element.setAttribute(key, value);
  }
  element.append(...children);
  return element;
}

const SHOW_TONE = new Set(["fate", "result"]); // Their icon says how it went.

// One test's picture. `select(id)` and `follow(item)` are what a person does; `onChange` draws the details.
class Picture {
  constructor(data, name, isShown, onChange) {
    Object.assign(this, { data, name, isShown, onChange, zoom: 1, selected: null, item: null });
    this.labels = html("div", { class: "labels", "aria-hidden": "true" });
    this.scroller = html("div", { class: "scroller" });
    this.tip = html("div", { class: "tip", "aria-hidden": "true" });
    this.element = html("div", { class: "drawing" }, this.labels, this.scroller, this.tip);
    this.scroller.addEventListener("keydown", (event) => this.onKey(event));
  }

  fit() {
    const wanted = layOut(this.data, 1, this.isShown).width;
    this.zoom = Math.min(1.5, Math.max(0.55, (this.scroller.clientWidth - 4) / wanted));
    this.draw();
  }

  draw() {
    const layout = (this.layout = layOut(this.data, this.zoom, this.isShown));
    this.journeys = journeysOf(layout, this.data);
    this.arrows = arrowsOf(this.journeys);
    const width = Math.max(layout.width, this.scroller.clientWidth - 2);
    this.root = svg("svg", { width, height: layout.height, role: "group", "aria-label": `Virtual time of ${this.name}` });
    this.marks = [];
    this.drawLanes(width);
    this.drawTime();
    this.drawArrows();
    for (const run of layout.runs) this.drawRun(run);
    for (const column of layout.columns) this.drawColumn(column);
    this.marks.sort((a, b) => a.order - b.order);
    this.root.append(...this.marks.map((mark) => mark.element));
    this.scroller.replaceChildren(this.root);
    this.show();
  }

  drawLanes(width) {
    this.labels.replaceChildren(html("div", { class: "axis" }, "virtual time"));
    this.layout.lanes.forEach((lane, index) => {
      this.root.append(svg("rect", { class: `lane ${index % 2 ? "odd" : ""}`, x: 0, y: lane.top, width, height: lane.height }));
      const label = html("div", { class: `label lane-${lane.kind}`, title: `${lane.kind} ${lane.key || lane.label}` }, html("small", {}, lane.kind === "api" ? "test" : lane.kind), html("span", {}, lane.label));
      label.style.height = `${lane.height}px`;
      this.labels.append(label);
    });
    for (const band of bandsOf(this.layout, this.data)) {
      const lane = this.layout.lanes[band.lane];
      const size = { x: band.left, y: lane.middle - 11, width: Math.max(band.right - band.left, 2), height: 22, rx: 4 };
      this.root.append(svg("rect", { class: `band state-${band.state.toLowerCase()}`, ...size }));
      const x = this.roomFor(band);
      if (x !== null) this.root.append(svg("text", { class: "state", x, y: lane.middle + 4 }, band.state));
    }
  }

  // Where a band has room for the name of its state between the marks of its lane.
  roomFor(band) {
    const width = band.state.length * 7;
    const middles = this.layout.columns.filter(({ entry }) => entry.lane === band.lane).map((column) => column.x + column.width / 2);
    const starts = [band.left, ...middles.filter((middle) => middle > band.left && middle < band.right)].map((x) => x + 14);
    const fits = (x) => x + width < band.right - 12 && !middles.some((middle) => middle > x && middle < x + width + 12);
    return starts.find(fits) ?? null;
  }

  drawTime() {
    const { height } = this.layout;
    let free = 0;
    for (const block of this.layout.blocks) {
      const text = spanText(block.at);
      this.root.append(svg("rect", { class: "instant", x: block.left, y: AXIS, width: Math.max(block.right - block.left, 1), height: height - AXIS - 6 }));
      if (block.left < free) continue;
      this.root.append(svg("text", { class: "time", x: block.left + 2, y: 18 }, text));
      free = block.left + 12 + text.length * 6.5;
    }
    for (const gap of this.layout.gaps) {
      if (!gap.isIdle) continue;
      const middle = gap.x + gap.width / 2;
      const cut = `M${middle - 4} ${AXIS}V${height - 6}M${middle + 4} ${AXIS}V${height - 6}`;
      const title = svg("title", {}, `nothing happens for ${spanText(gap.span)}; drawn shorter`);
      const label = svg("text", { class: "idle-text", x: middle, y: AXIS + 10 }, spanText(gap.span));
      this.root.append(svg("g", { class: "idle" }, title, svg("path", { d: cut }), label));
    }
  }

  drawArrows() {
    const heads = ["flow", "retry", "on"].map((kind) =>
      svg("marker", { id: `${kind}-head`, class: `head ${kind}`, viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, markerUnits: "userSpaceOnUse", orient: "auto-start-reverse" }, svg("path", { d: "M0 0L8 4L0 8Z" })),
    );
    this.root.append(svg("defs", {}, ...heads));
    for (const arrow of this.arrows) {
      const { from, to } = arrow;
      // A record may come again while an invocation with it still runs: that arrow leaves at the beginning.
      const [x1, x2] = [from.right <= to.left ? from.right : Math.min(from.left + 12, to.left - 12), to.left - 1];
      const bend = from.y === to.y ? 22 : 0;
      const reach = Math.max(8, Math.abs(x2 - x1) / 2);
      const d = `M${x1} ${from.y}C${x1 + reach} ${from.y - bend} ${x2 - reach} ${to.y - bend} ${x2} ${to.y}`;
      arrow.element = svg("path", { class: `arrow ${arrow.isRetry ? "retry" : "flow"}`, d });
      this.root.append(arrow.element);
    }
  }

  drawRun({ run, number, left, right, row, order }) {
    const y = yOfRow(this.layout.lanes[run.lane], row);
    const tone = run.outcome === "success" ? "ok" : "bad";
    const about = run.error === undefined ? run.outcome : this.data.texts[run.error];
    const label = `${spanText(run.from)}: invocation of ${this.laneName(run.lane)}, attempt ${run.attempt}: ${about}`;
    const parts = [svg("rect", { x: left, y: y - 10, width: right - left, height: 20, rx: 5 })];
    const middle = right - left > 44 ? left + 12 : (left + right) / 2;
    parts.push(svg("path", { class: "icon", d: ICONS[tone], transform: `translate(${middle} ${y})` }));
    const name = tone === "ok" ? "" : about;
    const room = Math.floor((right - left - 28) / 6.4);
    if (room > 3) parts.push(svg("text", { x: left + 22, y: y + 4 }, name.length > room ? `${name.slice(0, room - 1)}…` : name));
    this.addMark({ id: `r${number}`, lane: run.lane, x: left, order, tone, kind: "run", label, items: run.items }, parts);
  }

  drawColumn({ entry, index, x, width }) {
    if (isFold(entry)) return this.drawFold(entry, index, x, width);
    if (entry.begins !== undefined || entry.ends !== undefined) return undefined;
    const lane = this.layout.lanes[entry.lane];
    const [middle, texts] = [x + width / 2, this.data.texts];
    const label = `${spanText(entry.at)}: ${entry.kind}, ${texts[entry.subject]}: ${texts[entry.text]}`;
    const place = { transform: `translate(${middle} ${lane.middle})` };
    const icon = svg("path", { class: "icon", d: ICONS[SHOW_TONE.has(entry.kind) ? entry.tone : entry.kind] || ICONS.info, ...place });
    const parts = [svg("circle", { r: 10, ...place }), icon];
    if (entry.kind === "sleep") parts.unshift(this.sleepBar(entry, middle, lane));
    return this.addMark({ id: `e${index}`, lane: entry.lane, x: middle, order: index, tone: entry.tone, kind: entry.kind, label, items: entry.items || [] }, parts);
  }

  sleepBar(entry, left, lane) {
    // Slightly shorter: the text is rounded, and must not reach beyond what happened at its end.
    const right = this.layout.xAt(entry.at + parseFloat(this.data.texts[entry.text]) * 999_990);
    return svg("rect", { class: "sleeping", x: left, y: lane.middle - 6, width: Math.max(right - left, 1), height: 12, rx: 3 });
  }

  drawFold(entry, index, x, width) {
    const top = AXIS;
    const label = foldText(entry);
    const parts = [
      svg("rect", { class: "fold", x: x + 2, y: top, width: width - 4, height: this.layout.height - top - 6, rx: 6 }),
      svg("text", { class: "fold-text", x: x + width / 2, y: this.layout.height / 2 }, entry.period ? `× ${entry.times}` : `${entry.times}`),
      svg("text", { class: "fold-text small", x: x + width / 2, y: this.layout.height / 2 + 16 }, entry.period ? "the same" : "left out"),
    ];
    this.addMark({ id: `e${index}`, lane: -1, x: x + width / 2, order: index, tone: "info", kind: "fold", label, items: [] }, parts);
  }

  addMark(mark, parts) {
    const name = `mark ${mark.kind} tone-${mark.tone}`;
    mark.element = svg("g", { class: name, role: "button", tabindex: -1, "aria-label": mark.label, "data-id": mark.id }, ...parts);
    mark.element.addEventListener("click", () => this.select(mark.id, true));
    mark.element.addEventListener("focus", () => this.select(mark.id, false));
    mark.element.addEventListener("pointerenter", () => this.showTip(mark));
    mark.element.addEventListener("pointerleave", () => this.tip.classList.remove("shown"));
    this.marks.push(mark);
  }

  laneName(lane) {
    return this.data.lanes[lane][1];
  }

  showTip(mark) {
    this.tip.textContent = mark.label;
    const [frame, box] = [this.element.getBoundingClientRect(), mark.element.getBoundingClientRect()];
    this.tip.style.left = `${Math.min(Math.max(box.left - frame.left, 0), Math.max(frame.width - 320, 0))}px`;
    this.tip.style.top = `${box.bottom - frame.top + 6}px`;
    this.tip.classList.add("shown");
  }

  select(id, focus) {
    if (this.selected !== id) {
      this.selected = id;
      this.show();
    }
    const mark = this.markOf(id);
    if (focus && mark) mark.element.focus();
  }

  follow(item) {
    this.item = this.item === item ? null : item;
    this.show();
  }

  markOf(id) {
    return this.marks.find((mark) => mark.id === id);
  }

  // Marks what is selected and followed, and has the details drawn again.
  show() {
    const followed = this.item === null ? null : new Set(this.journeys[this.item].map((stop) => stop.id));
    this.root.classList.toggle("following", followed !== null);
    const current = this.markOf(this.selected) || this.marks[0];
    for (const mark of this.marks) {
      mark.element.classList.toggle("on", followed !== null && followed.has(mark.id));
      mark.element.classList.toggle("selected", mark.id === this.selected);
      mark.element.setAttribute("aria-pressed", String(mark.id === this.selected));
      mark.element.setAttribute("tabindex", mark === current ? 0 : -1);
    }
    for (const arrow of this.arrows) arrow.element.classList.toggle("on", followed !== null && arrow.items.has(this.item));
    this.onChange(this);
  }

  onKey(event) {
    const place = this.marks.findIndex((mark) => mark.element === document.activeElement);
    const moves = {
      ArrowRight: () => this.marks[place + 1],
      ArrowLeft: () => this.marks[place - 1],
      ArrowDown: () => this.nearest(place, 1),
      ArrowUp: () => this.nearest(place, -1),
      Home: () => this.marks[0],
      End: () => this.marks[this.marks.length - 1],
    };
    if (event.key === "Escape" && this.item !== null) this.follow(this.item);
    else if (event.key === "f" && place >= 0 && this.marks[place].items.length) this.follow(this.marks[place].items[0]);
    else if (event.key === "+" || event.key === "-") this.zoomBy(event.key === "+" ? 1.25 : 0.8);
    else if (event.key in moves && place >= 0) {
      const mark = moves[event.key]();
      if (mark) this.select(mark.id, true);
    } else return;
    event.preventDefault();
  }

  // The nearest mark in the next lane that has any, above or below.
  nearest(place, direction) {
    const { lane, x } = this.marks[place];
    const beyond = this.marks.filter((mark) => mark.lane >= 0 && (mark.lane - lane) * direction > 0);
    const distance = (mark) => Math.abs(mark.lane - lane) * 1e6 + Math.abs(mark.x - x);
    return beyond.sort((a, b) => distance(a) - distance(b))[0];
  }

  zoomBy(factor) {
    const focused = this.scroller.contains(document.activeElement);
    const share = (this.scroller.scrollLeft + this.scroller.clientWidth / 2) / this.root.clientWidth;
    this.zoom = Math.min(4, Math.max(0.25, this.zoom * factor));
    this.draw();
    this.scroller.scrollLeft = share * this.root.clientWidth - this.scroller.clientWidth / 2;
    if (focused && this.selected) this.select(this.selected, true);
  }

  // What a person wants to see first: the last failure, or else where a record is warned about.
  firstToSee() {
    for (const tones of [["bad"], ["fault"], ["warn"]]) {
      const found = this.marks.filter((mark) => tones.includes(mark.tone));
      const runs = found.filter((mark) => mark.kind === "run");
      if (found.length) return (runs.length ? runs : found)[(runs.length ? runs : found).length - 1].id;
    }
    return this.marks.length ? this.marks[this.marks.length - 1].id : null;
  }
}

function foldText(entry) {
  const until = spanText(entry.until);
  if (!entry.period) return `${spanText(entry.at)} to ${until}: ${entry.times} entries in the middle are left out`;
  const what = entry.period === 1 ? "the entry before" : `the ${entry.period} entries before`;
  return `${what}, ${entry.times} times more, until ${until}`;
}
