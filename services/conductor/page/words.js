/* Small things: elements, words, numbers, lines over time. Whatever comes from components is text here, and no HTML is ever made of it. */
export const at = (id) => document.getElementById(id);

export function make(tag, className = "", text = "") {
  const element = document.createElement(tag);
  if (className !== "") element.className = className;
  element.textContent = text;
  return element;
}

/** Only where it is another, so that what reads aloud is not disturbed, and what is selected stays so. */
export function say(element, text, className) {
  if (element.textContent !== String(text)) element.textContent = text;
  if (className !== undefined && element.className !== className) element.className = className;
}

export function span(seconds) {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6_000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3_600)} h`;
  return `${Math.round(seconds / 86_400)} days`;
}

const FORMAT = new Intl.NumberFormat("en", { maximumFractionDigits: 2 });
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
export const amount = (value) => (Math.abs(value) >= 100_000 ? SHORT : FORMAT).format(value);
export const clockTime = (text) => new Date(text).toLocaleTimeString("en-GB");
export const plural = (number, one, many) => `${amount(number)} ${number === 1 ? one : many}`;

/** A line over time with the ground below it; values are oldest first. */
export function drawSpark(svg, values) {
  if (svg.childElementCount === 0) {
    svg.setAttribute("viewBox", "0 0 100 20");
    svg.setAttribute("preserveAspectRatio", "none");
    svg.setAttribute("aria-hidden", "true");
    svg.classList.add("spark");
    for (const name of ["area", "curve"]) {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("class", name);
      svg.append(path);
    }
  }
  const least = Math.min(0, ...values);
  const reach = Math.max(...values, least) - least || 1;
  const points = values.map((value, index) => {
    const x = (100 * index) / Math.max(1, values.length - 1);
    return `${x.toFixed(1)} ${(19 - (18 * (value - least)) / reach).toFixed(1)}`;
  });
  const line = points.length < 2 ? "" : `M${points.join("L")}`;
  svg.children[0].setAttribute("d", line === "" ? "" : `${line}L100 20L0 20Z`);
  svg.children[1].setAttribute("d", line);
}

export const makeSpark = () => document.createElementNS("http://www.w3.org/2000/svg", "svg");
