"""What a page shows of figures, read back from Chromium's DOM with one evaluation: numbers, words, bars, cores."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Page

# What can be seen, and where it is drawn: lengths as parts of the bar's own. One evaluation for a page.
_READ = """() => {
  const text = (at) => at.checkVisibility() ? at.innerText.replace(/\\s+/g, " ").trim() : "(hidden)";
  const all = (at, what) => [...at.querySelectorAll(what)];
  // As it is written: capitals are the style sheet's.
  const head = (cell) => cell.closest("table").tHead.rows[0].cells[cell.cellIndex] ?? cell;
  const title = (cell) => head(cell).textContent.replace(/ [↑↓]$/, "");
  const table = (cells) => Object.fromEntries(cells.map((at) => [title(at), text(at)]));
  const bar = (at) => {
    const whole = at.querySelector("svg.bar").getBoundingClientRect();
    return all(at, "svg.bar rect").map((one) => [one, one.getBoundingClientRect()]).map(([one, box]) =>
      [one.getAttribute("class").slice(4), (box.left - whole.left) / whole.width, box.width / whole.width]);
  };
  return {
    figures: all(document, "[data-figure]").map((one) => ({
      of: one.closest("[data-node]")?.dataset.node ?? one.closest("[data-pool]")?.dataset.pool ?? "",
      name: one.dataset.figure,
      parts: all(one, "dl > div").map((at) => {
        const data = at.querySelector("data");
        return [at.className.slice(3), Number(data.value), text(data), text(at)];
      }),
      counted: one.matches(":has(+ .counting)") ? one.nextElementSibling.textContent.replace(/\\s+/g, " ") : "",
      bar: bar(one),
    })),
    words: all(document, ".figure").map((one) => ({
      of: one.closest("tr")?.id ?? "",
      name: one.closest("td") ? title(one.closest("td")) : one.closest("section").ariaLabel,
      text: text(one),
      bar: bar(one),
    })),
    loose: all(document, "data").filter((one) => !one.closest("[data-figure], .core-picture"))
      .map((one) => Number(one.value)),
    sums: all(document, "[data-sum]").map((one) => [one.dataset.sum, all(one, "td").map(text)]),
    ports: all(document, "[data-port]").map((one) => [one.dataset.port, table(all(one, "td"))]),
    cores: all(document, ".core-picture").map((one) => ({
      node: one.ariaLabel,
      cells: all(one, ".core").map((at) =>
        [...["title", "text"].map((name) => at.querySelector(name).textContent), at.getAttribute("class").slice(10)]),
      counts: all(one, "[data-use]").map((at) => [at.dataset.use, Number(at.value), text(at)]),
    })),
    next: document.querySelector("#page a[rel=next]")?.getAttribute("href") ?? "",
    rows: all(document, "#page tbody tr").map((one) => ({
      id: one.id,
      cells: table(all(one, "th, td")),
    })),
  };
}"""


async def read(page: Page, path: str = "") -> dict[str, Any]:
    """Of a page; without a path: of the one that is open."""
    if path:
        answer = await page.goto(path, wait_until="domcontentloaded")
        assert answer is not None
        assert answer.status == 200, path
    found: dict[str, Any] = await page.evaluate(_READ)
    return found
