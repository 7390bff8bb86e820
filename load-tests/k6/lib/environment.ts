/** Addresses and amounts, as set by `npm run load`. */

export const environment = {
  /** Base URLs to send requests to: of the nodes, or of the balancer in front of them. */
  nodes: list('NODES'),
  /** Base URLs of the nodes' admin ports. */
  admins: list('ADMINS'),
  adminToken: text('ADMIN_TOKEN'),
  /** Base URL of the origin. */
  origin: text('ORIGIN'),
  /** How long the origin takes for a response. */
  originDelayMs: number('ORIGIN_DELAY_MS'),
  /** Base URL of the control server, which stops and starts origin, Redis and nodes. */
  control: text('CONTROL'),
  /** Requests per second; the maximum if the rate rises. */
  rate: number('RATE'),
  users: number('USERS'),
  seconds: number('SECONDS'),
  /** Folder for the summary. */
  results: text('RESULTS'),
  scenario: text('SCENARIO'),
}

function text(name: string): string {
  const value = __ENV[name]
  if (value === undefined) throw new Error(`${name} is not set: start this by npm run load`)
  return value
}

function number(name: string): number {
  return Number(text(name))
}

function list(name: string): string[] {
  return text(name).split(',')
}
