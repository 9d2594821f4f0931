// The panel below a picture: what is selected, its texts, its records, and the way of the record that is followed.

function drawDetails(panel, picture) {
  const { data, selected } = picture;
  const parts = [];
  if (selected && selected[0] === "r") parts.push(...runDetails(picture, data.runs[selected.slice(1)]));
  else if (selected) parts.push(...entryDetails(picture, data.entries[selected.slice(1)]));
  if (picture.item !== null) parts.unshift(journeyDetails(picture));
  panel.replaceChildren(...parts);
}

function runDetails(picture, run) {
  const { texts } = picture.data;
  const text = (name) => (run[name] === undefined ? "" : texts[run[name]]);
  const failed = run.error !== undefined;
  const facts = [
    ["began", instantText(picture.data, run.from)],
    ["lasted", spanText(run.to - run.from)],
    ["attempt", run.attempt],
    ["request", text("request")],
  ];
  return [
    heading(`${picture.laneName(run.lane)}: ${failed ? text("error") : "success"}`, failed ? "bad" : "ok"),
    factList(facts),
    records(picture, run.items),
    html("div", { class: "blocks" }, block("Traceback", text("traceback"), true), block("Event", text("event"), true), block("Result", text("result"), true), block("Log", text("log"), failed)),
  ];
}

function entryDetails(picture, entry) {
  if (isFold(entry)) return [heading(foldText(entry), "info")];
  const { texts } = picture.data;
  return [
    heading(`${entry.kind} · ${texts[entry.subject]}`, entry.tone),
    html("p", { class: "text" }, texts[entry.text]),
    factList([["at", instantText(picture.data, entry.at)]]),
    records(picture, entry.items || []),
    block("These records, in the event of an invocation", eventWith(picture.data, entry.items || []), true),
    block("Parameters", entry.params === undefined ? "" : texts[entry.params], true),
  ];
}

// The event of the first invocation that got one of some records.
function eventWith(data, items) {
  const run = data.runs.find((each) => each.items.some((item) => items.includes(item)));
  return run ? data.texts[run.event] : "";
}

function heading(text, tone) {
  return html("h3", { class: `tone-${tone}` }, text);
}

function factList(facts) {
  return html("dl", {}, ...facts.flatMap(([name, value]) => [html("dt", {}, name), html("dd", {}, String(value))]));
}

function block(title, text, open) {
  if (!text) return "";
  const element = html("details", { class: "block" }, html("summary", {}, title), html("pre", { tabindex: 0 }, text));
  element.open = open;
  return element;
}

function records(picture, items) {
  if (!items.length) return "";
  const buttons = items.slice(0, 12).map((item) => {
    const attributes = { type: "button", class: "record", "aria-pressed": String(picture.item === item), title: picture.data.items[item] };
    return html("button", { ...attributes, onclick: () => picture.follow(item) }, `follow ${shortId(picture.data.items[item])}`);
  });
  const more = items.length > buttons.length ? [` and ${items.length - buttons.length} more`] : [];
  return html("p", { class: "records" }, `${items.length === 1 ? "record" : `${items.length} records`}: `, ...buttons, ...more);
}

function journeyDetails(picture) {
  const stops = picture.journeys[picture.item];
  const rows = stops.map((stop) => {
    const mark = picture.markOf(stop.id);
    return html("li", { class: `tone-${mark.tone}` }, html("button", { type: "button", onclick: () => picture.select(stop.id, true) }, mark.label));
  });
  const end = html("button", { type: "button", class: "record", onclick: () => picture.follow(picture.item) }, "stop following");
  const title = html("h3", {}, `The way of record ${picture.data.items[picture.item]} `, end);
  return html("section", { class: "journey" }, title, html("ol", {}, ...rows));
}

function entryTable(picture) {
  const { data, isShown } = picture;
  const rows = data.entries.map((entry, index) => {
    if (isFold(entry)) return html("tr", {}, html("td", {}, "…"), html("td", { colspan: 3 }, foldText(entry)));
    if (!isShown(entry.kind)) return "";
    const id = entry.begins ?? entry.ends;
    const target = id === undefined ? `e${index}` : `r${id}`;
    const button = html("button", { type: "button", onclick: () => picture.select(target, true) }, data.texts[entry.text]);
    const cells = [spanText(entry.at), entry.kind, data.texts[entry.subject]].map((text) => html("td", {}, text));
    return html("tr", { class: `tone-${entry.tone}` }, ...cells, html("td", {}, button));
  });
  return html("table", {}, html("thead", {}, html("tr", {}, ...["time", "kind", "of", "what happened"].map((name) => html("th", { scope: "col" }, name)))), html("tbody", {}, ...rows));
}

function instantText(data, offset) {
  const moment = new Date((data.start + offset) / 1e3).toISOString().replace("T", " ").replace("Z", " UTC");
  return `${spanText(offset)} (${moment})`;
}

function shortId(id) {
  if (/^[0-9a-f]{8}-[0-9a-f]{4}-/.test(id)) return id.slice(0, 8);
  return id.length > 20 ? `…${id.slice(-8)}` : id;
}
