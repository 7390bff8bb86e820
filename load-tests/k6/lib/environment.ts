/** Where everything is and how much of it is wanted, as `npm run load` tells. */

export const environment = {
  /** Base URLs to ask: of the nodes, or of the balancer before them. */
  nodes: list('NODES'),
  /** Base URLs of the nodes' admin ports. */
  admins: list('ADMINS'),
  adminToken: text('ADMIN_TOKEN'),
  /** Base URL of the origin. */
  origin: text('ORIGIN'),
  /** How long the origin takes for an answer. */
  originDelayMs: number('ORIGIN_DELAY_MS'),
  /** Base URL of what stops and starts origin, Redis and nodes. */
  control: text('CONTROL'),
  /** Requests a second; the most of them where the rate rises. */
  rate: number('RATE'),
  users: number('USERS'),
  seconds: number('SECONDS'),
  /** Where the summary goes. */
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
