import { linearScale, logScale, type Scale, tickText } from "./chart-scale.ts";

/** Bars, grouped under a name; each kind of bar has a colour. */
export interface BarChart {
  readonly title: string;
  /** What the axis counts, with its unit. */
  readonly axis: string;
  readonly isLog: boolean;
  readonly legend: readonly string[];
  readonly groups: readonly {
    readonly name: string;
    /** In the order of the legend. */
    readonly bars: readonly Bar[];
  }[];
  /** What the mark on a bar is; none where there is no mark. */
  readonly mark?: string;
}

export interface Bar {
  readonly value: number;
  /** The middle half, as a thin line. */
  readonly low: number;
  readonly high: number;
  readonly mark?: number;
  readonly text: string;
}

export interface LineChart {
  readonly title: string;
  readonly xAxis: string;
  readonly yAxis: string;
  readonly isXLog: boolean;
  readonly isYLog: boolean;
  readonly series: readonly {
    readonly name: string;
    readonly points: readonly { readonly x: number; readonly y: number }[];
  }[];
}

const width = 860;
const [left, right, top] = [150, 70, 84];
const plot = width - left - right;
const [barHeight, groupGap] = [15, 14];
const lineHeight = 300;

/** Horizontal bars: names stand beside them, whatever their length. */
export function drawBars(chart: BarChart): string {
  const { groups, isLog, legend, mark } = chart;
  const bars = groups.flatMap((group) => group.bars);
  const reach = bars.flatMap(({ value, high, mark: goal }) => [value, high, goal ?? value]);
  const scale = isLog ? logScale(reach, plot) : linearScale(Math.max(...reach), plot);
  let y = top;
  const drawn = groups.map((group) => {
    const from = y;
    const lines = group.bars.map((bar, at) => drawBar(bar, { scale, y: from + at * barHeight, colour: at + 1 }));
    y += group.bars.length * barHeight + groupGap;
    const middle = from + (group.bars.length * barHeight) / 2 + 4;
    return [text(left - 10, middle, group.name, "end"), ...lines].join("\n");
  });
  const bottom = y - groupGap + 8;
  const height = bottom + 46;
  return page(chart.title, height, [
    drawLegend(legend, mark),
    ...drawXTicks(scale, bottom),
    ...drawn,
    text(left + plot / 2, height - 8, chart.axis, "middle", "axis"),
  ]);
}

function drawBar(
  { value, low, high, mark, text: label }: Bar,
  { scale, y, colour }: { readonly scale: Scale; readonly y: number; readonly colour: number },
): string {
  const end = left + scale.at(value);
  const middle = y + barHeight / 2;
  const goal =
    mark === undefined ? "" : line(left + scale.at(mark), y, left + scale.at(mark), y + barHeight - 1, "goal");
  const furthest = Math.max(end, left + scale.at(high), mark === undefined ? 0 : left + scale.at(mark));
  return [
    `<rect x="${left}" y="${round(y + 1)}" width="${round(end - left)}" height="${barHeight - 3}" class="fill${colour}"/>`,
    line(left + scale.at(low), middle, left + scale.at(high), middle, "spread"),
    goal,
    text(furthest + 6, middle + 4, label, "start", "small"),
  ].join("");
}

/** Lines over one quantity, with a dot at each point that was measured. */
export function drawLines(chart: LineChart): string {
  const { series, isXLog, isYLog } = chart;
  const points = series.flatMap((one) => one.points);
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  const x = isXLog ? logScale(xs, plot) : linearScale(Math.max(...xs), plot);
  const y = isYLog ? logScale(ys, lineHeight) : linearScale(Math.max(...ys), lineHeight);
  const bottom = top + lineHeight;
  const height = bottom + 54;
  const grid = y.ticks.flatMap((tick) => [
    line(left, bottom - y.at(tick), left + plot, bottom - y.at(tick), "grid"),
    text(left - 8, bottom - y.at(tick) + 4, tickText(tick), "end", "small"),
  ]);
  const drawn = series.map((one, at) => {
    const places = one.points.map((point) => [round(left + x.at(point.x)), round(bottom - y.at(point.y))] as const);
    const dots = places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3.5" class="fill${at + 1}"/>`);
    return `<polyline points="${places.map((place) => place.join(",")).join(" ")}" class="line${at + 1}"/>${dots.join("")}`;
  });
  return page(chart.title, height, [
    drawLegend(series.map(({ name }) => name)),
    ...grid,
    ...drawXTicks(x, bottom),
    ...drawn,
    text(left + plot / 2, height - 8, chart.xAxis, "middle", "axis"),
    `<text transform="translate(${left - 76} ${top + lineHeight / 2}) rotate(-90)" text-anchor="middle" class="axis">${escaped(chart.yAxis)}</text>`,
  ]);
}

function drawXTicks(scale: Scale, bottom: number): readonly string[] {
  return scale.ticks.flatMap((tick) => [
    line(left + scale.at(tick), top - 6, left + scale.at(tick), bottom, "grid"),
    text(left + scale.at(tick), bottom + 16, tickText(tick), "middle", "small"),
  ]);
}

function drawLegend(names: readonly string[], mark?: string): string {
  let x = left;
  const entries = names.map((name, at) => {
    const entry = `<rect x="${x}" y="46" width="12" height="12" class="fill${at + 1}"/>${text(x + 18, 56, name, "start", "small")}`;
    x += 40 + name.length * 6.6;
    return entry;
  });
  const goal =
    mark === undefined ? "" : `${line(x + 4, 44, x + 4, 60, "goal")}${text(x + 14, 56, mark, "start", "small")}`;
  return entries.join("") + goal;
}

const colours = {
  light: ["#2f6fde", "#e07b00", "#2a9d58", "#a23bb0"],
  dark: ["#6ea2ff", "#ffad4d", "#5fd08a", "#d58be0"],
};

function stylesOf(kind: "light" | "dark"): string {
  const [ink, faint, ground] = kind === "light" ? ["#1d2330", "#d5d9e0", "#ffffff"] : ["#e8eaf0", "#3a4150", "#12161f"];
  const own = colours[kind].map((colour, at) => `.fill${at + 1}{fill:${colour}}.line${at + 1}{stroke:${colour}}`);
  return `.ground{fill:${ground}}text{fill:${ink}}.grid{stroke:${faint}}.spread{stroke:${ink}}.goal{stroke:${ink}}${own.join("")}`;
}

function page(title: string, height: number, parts: readonly string[]): string {
  const shapes =
    ".grid{stroke-width:1}.spread{stroke-width:1.2}.goal{stroke-width:2.5}polyline{fill:none;stroke-width:2}";
  const letters =
    "text{font:13px system-ui,sans-serif}.title{font-size:16px;font-weight:600}.small,.axis{font-size:12px}";
  const styles = `${letters}${shapes}${stylesOf("light")}@media (prefers-color-scheme: dark){${stylesOf("dark")}}`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${round(height)}" role="img" aria-label="${escaped(title)}">
<style>${styles}</style>
<rect width="100%" height="100%" class="ground"/>
${text(left, 28, title, "start", "title")}
${parts.join("\n")}
</svg>
`;
}

function text(x: number, y: number, content: string, anchor: "start" | "middle" | "end", kind = ""): string {
  const classes = kind === "" ? "" : ` class="${kind}"`;
  return `<text x="${round(x)}" y="${round(y)}" text-anchor="${anchor}"${classes}>${escaped(content)}</text>`;
}

function line(x1: number, y1: number, x2: number, y2: number, kind: string): string {
  return `<line x1="${round(x1)}" y1="${round(y1)}" x2="${round(x2)}" y2="${round(y2)}" class="${kind}"/>`;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}

function escaped(content: string): string {
  return content.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");
}
