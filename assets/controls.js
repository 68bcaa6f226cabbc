// The moves of a range of days, the choices in the address, the picture of a chart.
(function () {
  const DAY_MS = 86400000;
  const parse = (text) => Date.parse(text + "T00:00Z");
  const print = (ms) => new Date(ms).toISOString().slice(0, 10);
  const month = (ms, shift) => {
    const at = new Date(ms);
    return [Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + shift, 1),
      Date.UTC(at.getUTCFullYear(), at.getUTCMonth() + shift + 1, 0)];
  };

  function step([first, last], sign) {
    const [monthFirst, monthLast] = month(first, 0);
    if (first === monthFirst && last === monthLast) return month(first, sign); // whole months stay whole months
    const length = last - first + DAY_MS;
    return [first + sign * length, last + sign * length];
  }

  // The range after a move, each end and both ends held inside what there is.
  function moved(move, range, today, earliest, latest) {
    const [begin, end] = {
      previous: () => step(range, -1),
      next: () => step(range, 1),
      today: () => [today, today],
      "7d": () => [today - 6 * DAY_MS, today],
      "30d": () => [today - 29 * DAY_MS, today],
      month: () => [month(today, 0)[0], today],
      year: () => [Date.UTC(new Date(today).getUTCFullYear(), 0, 1), today],
      all: () => [earliest, latest],
    }[move]();
    const hold = (ms) => Math.min(Math.max(ms, earliest), latest);
    return [hold(begin), hold(end)];
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    controls: {
      range(_clicks, first, last, earliest, latest) {
        const { callback_context: context, no_update: same } = window.dash_clientside;
        if (!context.triggered.some((one) => one.value)) return [same, same];
        const now = window.choco.today();
        const whole = [parse(first || now), parse(last || now)];
        const ends = moved(context.triggered_id.move, whole, parse(now), parse(earliest), parse(latest));
        return ends.map(print);
      },
      // The address says what is chosen, so that a link shows what its sender saw. A control's name in the address is
      // the last part of its id; the ends of a range are "first" and "last".
      url(..._values) {
        const query = new URLSearchParams(window.location.search);
        window.dash_clientside.callback_context.inputs_list.forEach(({ id, property, value }) => {
          if (property !== "value") return;
          const name = (typeof id === "string" ? id : id.type).split("-").pop();
          if (value === null || value === undefined || value === "") query.delete(name);
          else query.set(name, value);
        });
        window.history.replaceState(window.history.state, "", `${window.location.pathname}?${query}`);
      },
      print(clicks) {
        if (clicks) window.print();
      },
      picture(_clicks) {
        const { callback_context: context } = window.dash_clientside;
        if (!context.triggered.some((one) => one.value)) return;
        const chart = document.getElementById(context.triggered_id.graph).querySelector(".js-plotly-plot");
        const background = getComputedStyle(document.documentElement).getPropertyValue("--choco-surface").trim();
        const paint = (figure) => { figure._fullLayout.paper_bgcolor = background; };
        window.Plotly.downloadImage(chart, { ...chart._context.toImageButtonOptions, setBackground: paint });
      },
    },
  });
})();
