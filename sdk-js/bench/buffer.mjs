// eosjs expects Node's Buffer in a page, too.
export { Buffer } from "buffer";
