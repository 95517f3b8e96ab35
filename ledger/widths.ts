/** The three widths by which usage is summed up, and their tables. */

export type Width = 'minute' | 'hour' | 'day'

export const minutesOf = { minute: 1, hour: 60, day: 1440 } as const

export const tables = { minute: 'usage_minutes', hour: 'usage_hours', day: 'usage_days' } as const
