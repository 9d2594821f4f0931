// The page: filters, the search, and pictures that are drawn when a person first sees them.

const tests = [...document.querySelectorAll("article.test")];
const search = document.querySelector("#search");
const shownCount = document.querySelector("#shown");
const pictures = new Map();
const hiddenKinds = new Set();
let onlyFailed = false;

const isShown = (kind) => !hiddenKinds.has(kind === "result" ? "invocation" : kind);

function drawTest(place) {
  const test = place.closest("article.test");
  const data = JSON.parse(test.querySelector("script.data").textContent);
  if (!data.entries.length) {
    place.replaceChildren(html("p", { class: "nothing" }, "Nothing happened in virtual time."));
    return;
  }
  const panel = html("div", { class: "panel", role: "region", "aria-label": "What is selected" });
  const picture = new Picture(data, test.dataset.id, isShown, () => {
    if (choice) choice.value = picture.item === null ? "" : String(picture.item);
    drawDetails(panel, picture);
  });
  const choice = recordChoice(picture);
  const list = html("details", { class: "block list" }, html("summary", {}, `All entries as a list (${data.entries.length})`));
  list.addEventListener("toggle", () => list.open && list.replaceChildren(list.firstChild, entryTable(picture)));
  picture.refresh = () => {
    picture.draw();
    if (list.open) list.replaceChildren(list.firstChild, entryTable(picture));
  };
  place.replaceChildren(tools(picture, choice), picture.element, panel, list);
  pictures.set(place, picture);
  picture.fit();
  picture.select(picture.firstToSee(), false);
  const mark = picture.markOf(picture.selected);
  if (mark) picture.scroller.scrollLeft = mark.x - picture.scroller.clientWidth * 0.7;
}

function tools(picture, choice) {
  const button = (text, label, onclick) => html("button", { type: "button", "aria-label": label, title: label, onclick }, text);
  const hint = html("span", { class: "hint" }, "arrow keys move, f follows a record, + and − zoom");
  const zoom = [
    button("−", "zoom out", () => picture.zoomBy(0.8)),
    button("+", "zoom in", () => picture.zoomBy(1.25)),
    button("fit", "fit into the width", () => picture.fit()),
  ];
  return html("div", { class: "tools" }, ...zoom, ...(choice ? [html("label", {}, "follow ", choice)] : []), hint);
}

function recordChoice(picture) {
  const { items } = picture.data;
  if (!items.length) return null;
  const options = items.map((item, index) => html("option", { value: index }, shortId(item)));
  const choice = html("select", {}, html("option", { value: "" }, "no record"), ...options);
  choice.addEventListener("change", () => {
    picture.item = choice.value === "" ? null : Number(choice.value);
    picture.show();
  });
  return choice;
}

// --- filters ---------------------------------------------------------------------------------------------------

function matches(test, words) {
  if (onlyFailed && !test.classList.contains("bad")) return false;
  if (!words) return true;
  if (test.textContent.toLowerCase().includes(words)) return true;
  // The same characters are escaped in embedded JSON.
  const escaped = JSON.stringify(words).slice(1, -1).replace(/[<>&]/g, (each) => `\\u00${each.charCodeAt(0).toString(16)}`);
  return test.querySelector("script.data").textContent.toLowerCase().includes(escaped);
}

function applyFilters() {
  const words = search.value.trim().toLowerCase();
  let count = 0;
  for (const test of tests) {
    test.hidden = !matches(test, words);
    count += !test.hidden;
  }
  shownCount.textContent = count === tests.length ? "" : `${count} of ${tests.length} tests`;
}

let waiting = 0;
search.addEventListener("input", () => {
  clearTimeout(waiting);
  waiting = setTimeout(applyFilters, 120);
});

for (const button of document.querySelectorAll("button.outcomes")) {
  button.addEventListener("click", () => {
    onlyFailed = button.dataset.only === "failed";
    for (const each of document.querySelectorAll("button.outcomes")) each.setAttribute("aria-pressed", String(each === button));
    applyFilters();
  });
}

for (const button of document.querySelectorAll("button.kind")) {
  button.addEventListener("click", () => {
    const { kind } = button.dataset;
    if (!hiddenKinds.delete(kind)) hiddenKinds.add(kind);
    button.setAttribute("aria-pressed", String(!hiddenKinds.has(kind)));
    for (const picture of pictures.values()) picture.refresh();
  });
}

for (const button of document.querySelectorAll("button.kind")) button.prepend(iconOf(button.dataset.kind));

document.querySelector("#collapse").addEventListener("click", () => {
  const open = tests.some((test) => test.querySelector("details.body").open);
  for (const test of tests) test.querySelector("details.body").open = !open && !test.hidden;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "/" && !/^(INPUT|SELECT|TEXTAREA)$/.test(document.activeElement.tagName)) {
    search.focus();
    event.preventDefault();
  }
});

// --- drawn when seen -------------------------------------------------------------------------------------------

const drawn = new WeakSet();

function drawOnce(place) {
  if (drawn.has(place)) return;
  drawn.add(place);
  observer.unobserve(place);
  drawTest(place);
}

const observer = new IntersectionObserver(
  (seen) => seen.filter((each) => each.isIntersecting).forEach((each) => drawOnce(each.target)),
  { rootMargin: "300px" },
);
for (const place of document.querySelectorAll(".picture")) observer.observe(place);

// An observer waits for the next frame, which a page in the background never has.
document.addEventListener(
  "toggle",
  ({ target }) => {
    if (!target.matches("details.body") || !target.open) return;
    const { top, bottom } = target.getBoundingClientRect();
    if (top < innerHeight && bottom > 0) drawOnce(target.querySelector(".picture"));
  },
  true,
);

const linked = location.hash && document.getElementById(decodeURIComponent(location.hash.slice(1)));
if (linked && linked.matches("article.test")) linked.querySelector("details.body").open = true;
