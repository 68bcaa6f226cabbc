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
      // Returns how many rows there are, for the table's place to carry.
      write(data) {
        const { table: name, type } = window.dash_clientside.callback_context.outputs_list.id;
        document.getElementById(JSON.stringify({ table: name, type })).replaceChildren(table(data));
        return data.rows.length;
      },
    },
  });
})();
