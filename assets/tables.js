// Long tables, written from their rows of text: as components of the page they would cost the browser seconds.
(function () {
  function cell(kind, scope, text, numeric) {
    const node = document.createElement(kind);
    if (scope) node.scope = scope;
    if (numeric) node.className = "num";
    node.textContent = text;
    return node;
  }

  function table({ caption, heads, rows }) {
    const node = document.createElement("table");
    node.className = "table table-sm";
    node.createCaption().className = "visually-hidden";
    node.caption.textContent = caption;
    node.createTHead().insertRow().append(...heads.map(({ head, numeric }) => cell("th", "col", head, numeric)));
    const body = node.createTBody();
    rows.forEach((row) => body.insertRow().append(...row.map((text, place) =>
      cell(place ? "td" : "th", place ? "" : "row", text, heads[place].numeric))));
    return node;
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    tables: {
      write(_data) {
        window.dash_clientside.callback_context.inputs_list[0].forEach(({ id, value }) => {
          const place = document.getElementById(`${id.table}-table`);
          if (place && value) place.replaceChildren(table(value));
        });
      },
    },
  });
})();
