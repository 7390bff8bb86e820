export interface Pressure {
  /** Whether memory is short at present. */
  readonly high: boolean
}
