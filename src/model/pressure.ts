export interface Pressure {
  /** Whether memory is short at present. */
  readonly high: boolean
}

/** As a process of Herdgate's own sees its memory. */
export interface ProcessPressure extends Pressure {
  /** Whether hardly any is left: not even for connections. */
  readonly exhausted: boolean
}
