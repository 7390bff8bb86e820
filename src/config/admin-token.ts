/** What a Bearer header can carry: any other token could never be sent. The dashboard has the same pattern. */
export const ADMIN_TOKEN = /^[\x21-\x7e]+$/
