// Sorting and filtering by DataTables. Where it cannot start, the tables stay as they are, complete and readable.
async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  const source = await new Response(stream).text();
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    return await import(url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

function start(DataTable, filters) {
  const table = document.getElementById(filters.dataset.for);
  const numeric = [...table.tHead.rows[0].cells].flatMap((cell, place) =>
    table.tBodies[0].rows[0]?.cells[place].classList.contains("number") ? [place] : []);
  const records = table.tHead.rows[0].cells.length - 1;
  const api = new DataTable(table, {
    paging: false,
    autoWidth: false,
    order: [],
    layout: { topStart: null, topEnd: null, bottomStart: null, bottomEnd: null },
    columnDefs: [
      { targets: numeric, type: "num", orderSequence: ["desc", "asc"] },
      { targets: records, orderable: false },
    ],
    language: { zeroRecords: "No row fits these filters." },
  });
  const search = filters.querySelector("input");
  const origin = filters.querySelector("[data-origin]");
  const told = filters.querySelector("output");
  const show = () => {
    api.search(search.value);
    for (const select of filters.querySelectorAll("[data-column]")) {
      api.column(Number(select.dataset.column)).search(select.value, { exact: select.value !== "" });
    }
    api.search.fixed("origin", (text, data, place) =>
      !origin.value || api.row(place).node().classList.contains(origin.value));
    api.draw();
    const { recordsDisplay, recordsTotal } = api.page.info();
    told.textContent = `${recordsDisplay} of ${recordsTotal} rows`;
  };
  filters.addEventListener("input", show);
  filters.addEventListener("change", show);
  filters.hidden = false;
  show();
}

if ("DecompressionStream" in window) {
  const { default: DataTable } = await unpacked(document.getElementById("widget").textContent);
  DataTable.ext.errMode = "throw";
  for (const filters of document.querySelectorAll(".filters")) start(DataTable, filters);
  document.documentElement.dataset.ready = "true";
}
