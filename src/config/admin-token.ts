/** The credentials of a Bearer header: nothing else could ever be sent, or match one. The dashboard has the same. */
export const ADMIN_TOKEN = /^[\x21-\x7e]+$/
