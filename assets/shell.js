// The frame around every page: clock, menu, theme, language, toasts.
(function () {
  const SILENCE_S = 150; // two refreshes of a minute, and some more, without a word from the server
  const TOAST_S = 8;
  const MOST_TOASTS = 4;
  let heard = null; // the last word of the server: its text, its distance to our clock [ms], seconds since
  let page = null;

  function tick() {
    const clock = document.getElementById("clock");
    if (!clock) return;
    const said = clock.getAttribute("data-now");
    if (!heard || heard.said !== said) heard = { said, offset: Date.parse(said) - Date.now(), age: 0 };
    heard.age += 1;
    const now = new Date(Date.now() + heard.offset);
    const text = new Intl.DateTimeFormat({ en: "en-GB" }[document.documentElement.lang] || document.documentElement.lang, {
      timeZone: "Europe/Madrid", weekday: "short", day: "numeric", month: "short",
      hour: "2-digit", minute: "2-digit", hourCycle: "h23",
    }).format(now);
    if (clock.textContent !== text) {
      clock.textContent = text;
      clock.dateTime = now.toISOString();
    }
    document.getElementById("offline").hidden = heard.age <= SILENCE_S;
  }
  setInterval(tick, 1000);
  window.choco.tick = tick;

  // Madrid's calendar day by the server's clock, as YYYY-MM-DD.
  window.choco.today = () =>
    new Intl.DateTimeFormat("sv-SE", { timeZone: "Europe/Madrid" }).format(new Date(Date.now() + (heard ? heard.offset : 0)));

  function toast({ text, kind }) {
    const box = document.createElement("div");
    box.className = `choco-toast choco-toast-${kind}`;
    const icon = document.createElement("i");
    icon.className = `glyph glyph-${{ good: "check-circle", info: "info-circle", warning: "exclamation-triangle" }[kind] || "x-octagon"}`;
    const words = document.createElement("span");
    words.textContent = text;
    const close = document.createElement("button");
    close.type = "button";
    close.className = "icon-button";
    close.setAttribute("aria-label", document.getElementById("toasts").dataset.close);
    close.innerHTML = '<i class="glyph glyph-x-lg"></i>';
    close.addEventListener("click", () => box.remove());
    box.append(icon, words, close);
    const area = document.getElementById("toasts");
    if (area.children.length >= MOST_TOASTS) area.firstElementChild.remove();
    area.append(box);
    if (kind !== "error") setTimeout(() => box.remove(), TOAST_S * 1000); // errors stay until they are read
  }

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    shell: {
      started(_children) {
        tick();
      },
      moved(path) {
        const here = path.replace(/\/+$/, "") || "/";
        document.querySelectorAll("#nav a").forEach((link) => {
          if (link.getAttribute("href") === here) link.setAttribute("aria-current", "page");
          else link.removeAttribute("aria-current");
        });
        if (page !== null && page !== path) {
          window.scrollTo(0, 0);
          document.getElementById("main").focus({ preventScroll: true });
        }
        page = path;
        return ["nav", "false"];
      },
      menu(_clicks, expanded) {
        return expanded === "true" ? ["nav", "false"] : ["nav open", "true"];
      },
      theme(_light, _auto, _dark) {
        const choice = window.dash_clientside.callback_context.triggered_id.slice("theme-".length);
        window.choco.remember("choco_theme", choice);
        return [window.choco.apply(), ...["light", "auto", "dark"].map((name) => String(name === choice))];
      },
      language(clicks, tongue) {
        if (clicks) {
          window.choco.remember("choco_lang", tongue);
          window.location.reload();
        }
      },
      toast(waiting) {
        (waiting || []).forEach(toast);
      },
    },
  });
})();
