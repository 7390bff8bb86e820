/**
 * The parts of node:http in use, obtained as by `require`. An import would evaluate every export, and one of them,
 * `WebSocket`, loads all of Node's fetch, which takes as long as starting Node.
 */
export const { createServer, get, IncomingMessage, METHODS, request, STATUS_CODES } =
  process.getBuiltinModule('node:http')
