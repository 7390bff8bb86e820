/**
 * What is used of node:http, taken as `require` takes it. An import would read every export, and one of them,
 * `WebSocket`, loads the whole of Node's fetch: as long as it takes Node to start.
 */
export const { createServer, get, METHODS, request, STATUS_CODES } = process.getBuiltinModule('node:http')
