(() => {
  "use strict";
  const page = document.documentElement;
  const all = (selector, from = document) => [...from.querySelectorAll(selector)];
  page.classList.add("scripted");

  // Without a script everything stands open; with one, what is well is folded away.
  for (const one of all("details")) one.open = false;

  const open = (element) => {
    for (let one = element; one; one = one.parentElement) if (one.tagName === "DETAILS") one.open = true;
  };
  const reveal = () => {
    let name = location.hash.slice(1);
    try { name = decodeURIComponent(name); } catch { return; }
    const found = name && document.getElementById(name);
    if (!found) return;
    if (found.hidden || found.closest("[hidden]")) reset();
    open(found);
    found.scrollIntoView();
    const summary = found.matches("details") && found.querySelector("summary");
    if (summary) summary.focus({ preventScroll: true });
  };
  addEventListener("hashchange", reveal);
  addEventListener("click", (event) => {
    const link = event.target.closest && event.target.closest('a[href^="#"]');
    if (link && link.hash === location.hash) reveal();
  });

  // Who prints wants to read.
  let folded = [];
  addEventListener("beforeprint", () => {
    folded = all("details:not([open])");
    for (const one of folded) one.open = true;
  });
  addEventListener("afterprint", () => {
    for (const one of folded) one.open = false;
    folded = [];
  });

  const said = document.querySelector(".said");
  const copied = async (words) => {
    try {
      await navigator.clipboard.writeText(words);
      return true;
    } catch {
      const field = document.createElement("textarea");
      field.value = words;
      document.body.append(field);
      field.select();
      const done = document.execCommand("copy");
      field.remove();
      return done;
    }
  };
  for (const button of all(".copy"))
    button.addEventListener("click", async () => {
      const done = await copied(button.dataset.copy);
      button.textContent = done ? "Copied" : "Not copied";
      said.textContent = `${button.textContent}: ${button.dataset.copy}`;
      button.focus();
      setTimeout(() => { button.textContent = "Copy"; }, 1600);
    });

  // The picture by bytes or by files.
  for (const radio of all(".switch input"))
    radio.addEventListener("change", () => {
      for (const tile of all(".tile", radio.closest("section"))) {
        const [left, top, width, height] = tile.dataset[radio.value].split(",").map((value) => `${value}%`);
        Object.assign(tile.style, { left, top, width, height });
      }
    });

  // Search and filters.
  const tools = document.querySelector(".tools");
  const search = tools.querySelector("[type=search]");
  const rule = tools.querySelector("[name=rule]");
  const architecture = tools.querySelector("[name=architecture]");
  const severities = all("[type=checkbox]", tools);
  const subjects = all(".subject").map((element) => ({ element, words: null }));
  const tiles = new Map();
  for (const tile of all(".tile")) tiles.set(tile.getAttribute("href"), tile);
  const rows = all("tbody tr");
  const todos = all(".todo");
  const has = (words, word) => !word || (words || "").split(" ").includes(word);
  const filter = () => {
    const wanted = search.value.trim().toLowerCase();
    const chosen = new Set(severities.filter((box) => box.checked).map((box) => box.value));
    let shown = 0;
    const names = new Set();
    for (const one of subjects) {
      const { s, r, a, name } = one.element.dataset;
      if (wanted && one.words === null) one.words = `${name} ${one.element.textContent}`.toLowerCase();
      const fits = chosen.has(s) && has(r, rule.value) && has(a, architecture.value) && (!wanted || one.words.includes(wanted));
      one.element.hidden = !fits;
      shown += fits;
      const tile = tiles.get(`#${encodeURIComponent(one.element.id)}`);
      if (tile) tile.classList.toggle("off", !fits);
      if (fits) names.add(one.element.dataset.row);
    }
    for (const list of all(".list")) {
      const some = all(".subject:not([hidden])", list).length > 0;
      list.hidden = !some;
      list.nextElementSibling.hidden = some;
    }
    for (const todo of todos)
      todo.hidden = !chosen.has(todo.dataset.s) || !has(todo.dataset.r, rule.value) ||
        (Boolean(wanted) && !todo.textContent.toLowerCase().includes(wanted));
    for (const row of rows) row.hidden = !names.has(row.dataset.row);
    tools.querySelector("output").textContent = `${shown} of ${subjects.length} shown`;
  };
  const reset = () => {
    search.value = rule.value = architecture.value = "";
    for (const box of severities) box.checked = true;
    filter();
  };
  for (const event of ["input", "change"]) tools.addEventListener(event, filter);
  tools.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("keydown", (event) => {
    if (event.key === "/" && !event.target.matches("input, select, textarea") && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      search.focus();
    }
    if (event.key === "Escape" && event.target === search) reset();
  });
  filter();

  // The report as JSON, out of the page itself.
  const saving = document.querySelector(".save");
  if (saving && typeof DecompressionStream === "undefined") saving.hidden = true;
  else if (saving)
    saving.addEventListener("click", async () => {
      const packed = atob(document.querySelector('script[type="application/x-archcheck-report"]').textContent);
      const bytes = Uint8Array.from(packed, (character) => character.charCodeAt(0));
      const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate"));
      const blob = new Blob([await new Response(stream).blob()], { type: "application/json" });
      const link = document.createElement("a");
      link.href = URL.createObjectURL(blob);
      link.download = "archcheck.json";
      link.click();
      setTimeout(() => URL.revokeObjectURL(link.href), 10000);
    });

  // The browser goes to the fragment when the page is whole, before which what is folded has no place.
  reveal();
  addEventListener("load", () => setTimeout(reveal));
})();
