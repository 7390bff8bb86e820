/**
 * The demo: an API slow enough to notice, and Herdgate in front of it. Tests and load tests use only the API, as an
 * origin whose behaviour they can change while it runs.
 */
export { type Control, type Outage } from './demo/control.ts'
export { runDemo, type DemoOptions } from './demo/run.ts'
export { createSlowApi, type SlowApi, type SlowApiOptions } from './demo/slow-api.ts'
