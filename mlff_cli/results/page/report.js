"use strict";
// Moves the threshold of one experience over its scores and counts again what passes on either side.
(() => {
  const CERTAINTY = 0.95;
  const element = (id) => document.getElementById(id);

  // Natural logarithm of n! for n = 0, 1, ..., made as far as it is asked for.
  const logFactorials = [0];
  const logFactorial = (n) => {
    while (logFactorials.length <= n) {
      logFactorials.push(logFactorials[logFactorials.length - 1] + Math.log(logFactorials.length));
    }
    return logFactorials[n];
  };

  // Probability of at most `count` successes in `total` trials.
  const atMost = (count, total, share) => {
    let sum = 0;
    for (let i = 0; i <= count; i++) {
      const ways = logFactorial(total) - logFactorial(i) - logFactorial(total - i);
      sum += Math.exp(ways + i * Math.log(share) + (total - i) * Math.log1p(-share));
    }
    return sum;
  };

  // What a share lies below with 95 % certainty (Clopper and Pearson, one-sided), by bisection.
  const upperBound = (count, total) => {
    if (total === 0) return NaN;
    if (count === total) return 1;
    let low = count / total;
    let high = 1;
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (atMost(count, total, middle) > 1 - CERTAINTY) low = middle;
      else high = middle;
    }
    return high;
  };

  const decisions = (experience, threshold) => {
    const found = { defective: 0, escaped: 0, good: 0, rejected: 0 };
    experience.scores.forEach((score, i) => {
      const called = score >= threshold;
      if (experience.defective[i]) {
        found.defective += 1;
        if (!called) found.escaped += 1;
      } else {
        found.good += 1;
        if (called) found.rejected += 1;
      }
    });
    return found;
  };

  // As Python rounds: of two that are equally near the even one.
  const rounded = (value) => {
    const below = Math.floor(value * 10);
    const tie = value * 10 - below === 0.5;
    return tie ? ((below + (below % 2)) / 10).toFixed(1) : value.toFixed(1);
  };

  const percent = (share) => (Number.isNaN(share) ? "unknown" : `${rounded(100 * share)} %`);

  const rate = (count, total) => {
    const bound = upperBound(count, total);
    const sure = Number.isNaN(bound) ? "" : `, below ${percent(bound)} with 95 % certainty`;
    return `${count} of ${total} (${percent(count / total)}${sure})`;
  };

  const content = element("scores");
  if (!content) return;
  const experiences = JSON.parse(content.textContent);
  const slider = element("threshold");
  const chosen = element("experience");
  document.body.classList.add("scripted");

  const show = (threshold) => {
    const experience = experiences[chosen.value];
    const found = decisions(experience, threshold);
    element("threshold-value").textContent = threshold.toFixed(3);
    element("escape").textContent = rate(found.escaped, found.defective);
    element("overkill").textContent = rate(found.rejected, found.good);
    element("caught").textContent = found.defective - found.escaped;
    element("escaped").textContent = found.escaped;
    element("rejected").textContent = found.rejected;
    element("passed").textContent = found.good - found.rejected;
    document.querySelectorAll("[data-experience]").forEach((part) => {
      part.hidden = part.dataset.experience !== chosen.value;
      const line = part.querySelector("line.threshold");
      if (!line) return;
      const x = Number(line.dataset.left) + threshold * Number(line.dataset.width);
      line.setAttribute("x1", x);
      line.setAttribute("x2", x);
    });
  };

  const begin = () => {
    const threshold = experiences[chosen.value].threshold;
    slider.value = threshold;
    show(threshold);
  };

  experiences.forEach((experience, i) => chosen.add(new Option(experience.name, i)));
  slider.addEventListener("input", () => show(Number(slider.value)));
  chosen.addEventListener("change", begin);
  element("reset").addEventListener("click", begin);
  begin();
})();
(() => {
  const box = document.getElementById("show-where");
  if (box) box.addEventListener("change", () => document.body.classList.toggle("plain", !box.checked));
})();
