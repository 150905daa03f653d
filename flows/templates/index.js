"use strict";
(() => {
  for (const table of document.querySelectorAll("table.sortable")) {
    const heads = [...table.tHead.rows[0].cells], body = table.tBodies[0];
    heads.forEach((head, column) => {
      head.querySelector("button").addEventListener("click", () => {
        const up = head.getAttribute("aria-sort") ? head.getAttribute("aria-sort") !== "ascending" : head.dataset.first !== "down";
        for (const other of heads) other.removeAttribute("aria-sort");
        head.setAttribute("aria-sort", up ? "ascending" : "descending");
        const key = (row) => row.cells[column] ? row.cells[column].dataset.value ?? row.cells[column].textContent.trim() : "";
        const order = (one, two) => {
          const [a, b] = [key(one), key(two)];
          if ((a === "") !== (b === "")) return a === "" ? 1 : -1;  // unknown values come last in either order
          const [x, y] = [Number(a), Number(b)];
          const found = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, undefined, { numeric: true }) : x - y;
          return up ? found : -found;
        };
        const failed = (row) => row.classList.contains("failed");
        body.append(...[...body.rows].sort((one, two) => failed(one) - failed(two) || order(one, two)));
      });
    });
  }
  const pointName = document.querySelector(".point-name");
  for (const point of document.querySelectorAll(".point")) {
    for (const name of ["pointerenter", "focus", "click"]) {
      point.addEventListener(name, () => { pointName.textContent = point.dataset.label; });
    }
  }
})();
