/**
 * A plot of stacked bars with lines over them. uPlot draws it, and is loaded when there is
 * something to draw. Its colours are those of the style sheet.
 */
import { useEffect, useRef, useState } from 'preact/hooks'
import type uPlot from 'uplot'
import type { Interval } from './usage-choices.ts'

interface PlotLine {
  /** The name of its colour in the style sheet. */
  color: string
  values: readonly number[]
  isDashed: boolean
}

export interface PlotData {
  interval: Interval
  /** Seconds since 1970. */
  starts: readonly number[]
  /** From the bottom up. */
  bars: readonly { color: string; values: readonly number[] }[]
  lines: readonly PlotLine[]
  /**
   * Lines have a scale of their own, at the right: theirs are months, and the bars' are hours or
   * days.
   */
  hasSecondScale: boolean
  format: (value: number) => string
}

interface Props {
  /** What is plotted, for screen readers. */
  label: string
  plot: PlotData
}

const HEIGHT = 280
/** As uPlot counts sides. */
// oxlint-disable-next-line typescript/no-unsafe-enum-assignment -- its types have names for them, its code has none
const RIGHT = 1 as uPlot.Axis.Side.Right

export function UsagePlot({ label, plot }: Props) {
  const box = useRef<HTMLDivElement>(null)
  const [isMissing, setMissing] = useState(false)
  useEffect(() => {
    const stop = new AbortController()
    import('uplot').then(
      ({ default: UPlot }) => stop.signal.aborted || keepDrawn(UPlot, box.current!, plot, stop.signal),
      () => setMissing(true),
    )
    return () => stop.abort()
  }, [plot])
  return (
    <>
      <div class="plot" ref={box} role="img" aria-label={label} />
      {isMissing && <p role="status">The plot could not be loaded. The tables have its numbers.</p>}
    </>
  )
}

/** Draws it, and draws it anew when the width or the colours change. */
function keepDrawn(UPlot: typeof uPlot, box: HTMLElement, plot: PlotData, signal: AbortSignal) {
  let drawn = draw(UPlot, box, plot)
  const sizes = new ResizeObserver(() => drawn.setSize({ width: box.clientWidth, height: HEIGHT }))
  sizes.observe(box)
  const redraw = () => {
    drawn.destroy()
    drawn = draw(UPlot, box, plot)
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', redraw, { signal })
  signal.addEventListener('abort', () => {
    sizes.disconnect()
    drawn.destroy()
  })
}

/** A custom property can hold `light-dark()`, which a canvas does not know. */
function colorsIn(box: HTMLElement) {
  const probe = box.appendChild(document.createElement('span'))
  const colorOf = (name: string) => {
    probe.style.color = `var(--${name})`
    return getComputedStyle(probe).color
  }
  return { colorOf, done: () => probe.remove() }
}

function draw(UPlot: typeof uPlot, box: HTMLElement, plot: PlotData): uPlot {
  const { starts, bars, lines, interval } = plot
  const { colorOf, done } = colorsIn(box)
  const stack = stacked(bars)
  // The highest first: each later one covers its lower part.
  const series: uPlot.Series[] = bars
    .map(({ color }) => ({
      scale: 'y',
      fill: colorOf(color),
      width: 0,
      paths: UPlot.paths.bars!({ size: [0.75, 60] }),
      points: { show: false },
    }))
    .toReversed()
  const over: uPlot.Series[] = lines.map(({ color, isDashed }) => ({
    scale: plot.hasSecondScale ? 'month' : 'y',
    stroke: colorOf(color),
    width: 2,
    ...(isDashed && { dash: [8, 5] }),
    points: { show: false },
  }))
  const options: uPlot.Options = {
    width: box.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { show: false },
    tzDate: (at) => (interval === 'hour' ? new Date(at * 1000) : UPlot.tzDate(new Date(at * 1000), 'Etc/UTC')),
    series: [{}, ...series, ...over],
    scales: {
      x: { time: true, range: () => withMargins(starts) },
      y: { range: fromZero },
      month: { range: fromZero },
    },
    axes: axesOf(plot, colorOf),
  }
  const data = [starts, ...stack.toReversed(), ...lines.map(({ values }) => values)]
  const drawn = new UPlot(options, data as uPlot.AlignedData, box)
  done()
  return drawn
}

const fromZero = (_: uPlot, _min: number | null, max: number | null): uPlot.Range.MinMax => [0, (max || 1) * 1.05]

/** Half a bucket at each side, so that bars are whole. */
function withMargins(starts: readonly number[]): uPlot.Range.MinMax {
  const half = (starts[1]! - starts[0]!) / 2
  return [starts[0]! - half, starts.at(-1)! + half]
}

/** Each row with the sum of those before it. */
function stacked(bars: PlotData['bars']): number[][] {
  let below: readonly number[] = []
  return bars.map(({ values }) => {
    const top = values.map((value, place) => value + (below[place] ?? 0))
    below = top
    return top
  })
}

const timeFormats: Record<Interval, Intl.DateTimeFormatOptions> = {
  hour: { weekday: 'short', hour: '2-digit', minute: '2-digit' },
  day: { day: 'numeric', month: 'short', timeZone: 'UTC' },
  month: { month: 'short', year: 'numeric', timeZone: 'UTC' },
}

function axesOf({ interval, format, hasSecondScale }: PlotData, colorOf: (name: string) => string): uPlot.Axis[] {
  const time = new Intl.DateTimeFormat(undefined, timeFormats[interval])
  const common = {
    stroke: colorOf('faint'),
    grid: { stroke: colorOf('line'), width: 1 },
    ticks: { stroke: colorOf('line'), width: 1 },
  }
  const values = (_: uPlot, splits: number[]) => splits.map((value) => format(value))
  return [
    { ...common, space: 80, values: (_, splits) => splits.map((at) => time.format(new Date(at * 1000))) },
    { ...common, scale: 'y', size: 64, values },
    ...(hasSecondScale ? [{ ...common, scale: 'month', side: RIGHT, size: 64, values, grid: { show: false } }] : []),
  ]
}
