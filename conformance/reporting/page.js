"use strict";
(() => {
  const data = JSON.parse(document.getElementById("data").textContent);
  const byId = (id) => document.getElementById(id);
  const text = (number) => data.texts[number];
  const dialog = byId("details");

  // an element with attributes and children; texts are never read as markup
  const make = (tag, attributes = {}, ...children) => {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
    element.append(...children.filter((child) => child !== null && child !== ""));
    return element;
  };
  const slug = (word) => word.replaceAll(" ", "-");
  const signed = (word) => [
    make("span", { "aria-hidden": "true", class: "sign" }, data.signs[word]), " ",
    make("span", { class: "word" }, word),
  ];

  const resultOf = (cell, stratum, invariant) =>
    data.letters[data.cells[cell].results[stratum][invariant]] || "not run";

  const paint = (button, word, share = "", since = "") => {
    button.className = `square v-${slug(word)}`;
    button.replaceChildren(...signed(word));
    if (share) button.append(" ", make("span", { class: "share" }, share));
    if (since) button.append(" ", make("span", { class: "since" }, since));
  };

  // ---- the first page: one version
  const version = byId("version");
  const showVersion = () => {
    const number = Number(version.value);
    const cell = data.cells[number];
    byId("told").textContent = cell.problem;
    for (const button of document.querySelectorAll(".safe button.square")) {
      button.dataset.cell = number;
      const square = cell.squares[button.dataset.stratum];
      button.disabled = !square;
      paint(button, square ? square[0] : "not run", square ? square[1] : "", square ? square[2] : "");
    }
  };
  version.addEventListener("change", showVersion);

  // ---- every version: filters
  const filters = ["tied", "ensure", "device", "invariant"].map(byId);
  const [tied, ensure, device, invariant] = filters;
  data.invariants.forEach(([id], number) => invariant.append(make("option", { value: number }, id)));

  const showMatrix = () => {
    let found = false;
    for (const frame of document.querySelectorAll(".matrix")) {
      frame.hidden = frame.dataset.tied !== tied.value || frame.dataset.ensure !== ensure.value ||
        frame.dataset.device !== device.value;
      if (frame.hidden) continue;
      found = true;
      // the newest versions are the last ones
      if (!frame.dataset.seen) frame.scrollLeft = frame.scrollWidth;
      frame.dataset.seen = "true";
      for (const button of frame.querySelectorAll("button.square")) {
        const { cell, stratum } = button.dataset;
        const square = data.cells[cell].squares[stratum];
        if (invariant.value === "" || data.cells[cell].problem && square[0] === "error") {
          paint(button, square[0], square[1]);
        } else {
          paint(button, resultOf(cell, stratum, invariant.value));
        }
      }
    }
    byId("none").hidden = found;
    byId("promise").textContent = invariant.value === "" ? "" : data.invariants[invariant.value][1];
  };
  for (const filter of filters) filter.addEventListener("change", showMatrix);

  // ---- one tab stop a table; arrows move inside it
  const squares = (row) => [...row.cells].map((cell) => cell.querySelector("button.square"));
  for (const table of document.querySelectorAll("table")) {
    const buttons = [...table.rows].map((row) => row.querySelectorAll("button.square"));
    const first = buttons.find((row) => row.length);
    if (!first) continue;
    // on the newest version, or the first kind of base
    (table.closest(".matrix") ? first[first.length - 1] : first[0]).tabIndex = 0;
    table.addEventListener("focusin", (event) => {
      if (!event.target.matches("button.square")) return;
      for (const other of table.querySelectorAll('button.square[tabindex="0"]')) other.tabIndex = -1;
      event.target.tabIndex = 0;
    });
    table.addEventListener("keydown", (event) => {
      const cell = event.target.closest("td");
      if (!cell || event.altKey || event.ctrlKey || event.metaKey) return;
      const rows = [...table.tBodies[0].rows];
      let row = rows.indexOf(cell.parentElement);
      let column = cell.cellIndex;
      if (event.key === "ArrowRight") column += 1;
      else if (event.key === "ArrowLeft") column -= 1;
      else if (event.key === "ArrowDown") row += 1;
      else if (event.key === "ArrowUp") row -= 1;
      else if (event.key === "Home") column = 1;
      else if (event.key === "End") column = rows[row].cells.length - 1;
      else return;
      event.preventDefault();
      const target = rows[row] && squares(rows[row])[column];
      if (target) target.focus();
    });
  }

  // ---- details of one square
  const command = (words) => {
    const shown = make("pre", {}, words);
    const copy = make("button", { type: "button", class: "copy" }, "Copy");
    copy.addEventListener("click", async () => {
      try {
        await navigator.clipboard.writeText(words);
        copy.textContent = "Copied";
      } catch {
        getSelection().selectAllChildren(shown);
        copy.textContent = "Selected";
      }
    });
    return [shown, copy];
  };

  const figure = (amount) =>
    amount !== 0 && (Math.abs(amount) < 1e-3 || Math.abs(amount) >= 1e6) ? amount.toExponential(2) : String(amount);

  const fact = (list, name, ...values) => list.append(make("dt", {}, name), make("dd", {}, ...values));

  const knownIssue = ([id, [hits, judged]]) => {
    const [kind, story, link] = data.known[id] || ["", "", ""];
    const told = make("div", {}, make("code", {}, id), ` failed in ${hits} of ${judged} judged lives. `, story, " ");
    // what a table of one's own calls a link is followed only where it is one
    if (/^https?:\/\//.test(link)) told.append(make("a", { href: link, rel: "noreferrer" }, link));
    else if (link) told.append(`(${kind}, ${link})`);
    return told;
  };

  const broken = (cell, stratum, number) => {
    const [why, example, worst, allowance, heard, known] = data.cells[cell].details[stratum][number];
    const [id, promise] = data.invariants[number];
    const result = resultOf(cell, stratum, number);
    const list = make("dl", { class: "facts" });
    if (text(why)) fact(list, result === "error" ? "Error" : "Found", text(why));
    if (example != null) fact(list, "Simplest case", make("pre", {}, text(example)));
    if (worst != null) {
      fact(list, "Worst difference", allowance == null ? figure(worst) : `${figure(worst)}, allowed ${figure(allowance)}`);
    }
    if (example != null) {
      const told = (heard || []).map((line) => make("p", {}, text(line)));
      fact(list, "Warning heard", ...(told.length ? told : ["none about the tie when the adapter was put on"]));
    }
    if (known) fact(list, "Known issue", ...Object.entries(known).map(knownIssue));
    if (example != null) {
      fact(list, "Reproduce", ...command(`python -m conformance reproduce --invariant ${id} "${text(example)}"`));
    }
    return make("section", { class: "broken", "data-invariant": id },
      make("h3", {}, make("span", { class: `square v-${slug(result)}` }, ...signed(result)), id),
      make("p", {}, promise), list);
  };

  const others = (cell, stratum, result) => {
    const found = data.invariants
      .map(([id], number) => [id, number])
      .filter(([, number]) => resultOf(cell, stratum, number) === result);
    if (!found.length) return null;
    const reasons = found.map(([id, number]) => {
      const detail = data.cells[cell].details[stratum][number];
      const why = detail && text(detail[0]);
      return make("li", {}, why ? `${id}: ${why}` : id);
    });
    return make("details", {}, make("summary", {}, `${data.signs[result]} ${result}: ${found.length}`), make("ul", {}, ...reasons));
  };

  const show = (cell, stratum) => {
    const here = data.cells[cell];
    const [word, , since, reason, lives] = here.squares[stratum];
    const [where, base, option, ...rest] = data.strata[stratum].split("-");
    byId("details-title").textContent = `${rest.join("-")}, ${here.name}`;
    const list = make("dl", { class: "facts" });
    fact(list, "Verdict", make("strong", {}, `${data.signs[word]} ${word}`), `: ${data.meanings[word]}`);
    if (text(reason)) fact(list, "Reason", text(reason));
    fact(list, "Base", `${base}, ensure_weight_tying ${option === "ensure" ? "on" : "off"}, on ${where}`);
    const counted = Object.entries(lives).map(([name, count]) => `${count} ${name}`).join(", ");
    if (counted) fact(list, "Lives", counted);
    if (since) fact(list, "Holds", `${since} (PEFT, with this transformers)`);
    const versions = Object.entries(here.versions).map(([name, value]) => `${name} ${value}`).join(", ");
    fact(list, "Versions", versions);
    const order = ["fails", "error", "known", "arguable", "fixed here"];
    const bad = data.invariants.map((_, number) => number)
      .filter((number) => order.includes(resultOf(cell, stratum, number)));
    // the chosen promise first, then undeclared ones, then those the verdict rests on
    const chosen = invariant.value === "" ? -1 : Number(invariant.value);
    const rank = (number) => [
      number !== chosen, order.indexOf(resultOf(cell, stratum, number)), !data.deciding.includes(number),
    ].map(Number);
    const less = (one, other) => one.map((value, index) => value - other[index]).find((value) => value !== 0) || 0;
    bad.sort((one, other) => less(rank(one), rank(other)));
    byId("details-body").replaceChildren(list,
      ...bad.map((number) => broken(cell, stratum, number)),
      ...["holds", "not applicable", "not judged", "not run", "skipped"].map((result) => others(cell, stratum, result)).filter(Boolean));
    dialog.showModal();
    dialog.scrollTop = 0;
  };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("button.square");
    if (button) show(Number(button.dataset.cell), Number(button.dataset.stratum));
    else if (event.target === dialog) dialog.close();
  });
  byId("close").addEventListener("click", () => dialog.close());

  showVersion();
  showMatrix();
})();
