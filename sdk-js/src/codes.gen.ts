// Code generated from testvectors/codes.json by go generate; DO NOT EDIT.

/** Every refusal code, in the order of its number: those of the module, then those of the host. */
export const codes = [
  { number: 1, code: "too_large", origin: "module", status: 413, title: "The event is larger than the limit." },
  { number: 2, code: "invalid_utf8", origin: "module", status: 400, title: "The text is not valid UTF-8, or it begins with a byte-order mark." },
  { number: 3, code: "invalid_json", origin: "module", status: 400, title: "The text is not one JSON value (RFC 8259)." },
  { number: 4, code: "duplicate_key", origin: "module", status: 400, title: "An object has the same member name twice." },
  { number: 5, code: "lone_surrogate", origin: "module", status: 400, title: "A string has an unpaired surrogate." },
  { number: 6, code: "number_out_of_range", origin: "module", status: 400, title: "A number is outside the range of an IEEE 754 double." },
  { number: 7, code: "number_not_interoperable", origin: "module", status: 422, title: "An integer would change in its canonical form." },
  { number: 8, code: "depth_exceeded", origin: "module", status: 400, title: "The value is nested too deeply." },
  { number: 9, code: "missing_field", origin: "module", status: 422, title: "A required member of the event is missing." },
  { number: 10, code: "unknown_field", origin: "module", status: 422, title: "The event has a member that version 1 does not know." },
  { number: 11, code: "invalid_field", origin: "module", status: 422, title: "A member of the event has the wrong form." },
  { number: 12, code: "unknown_type", origin: "module", status: 422, title: "The event type is not registered." },
  { number: 13, code: "invalid_public_key", origin: "module", status: 422, title: "The public key is malformed, its checksum is wrong, or it is not on the curve." },
  { number: 14, code: "invalid_private_key", origin: "module", status: 422, title: "The private key is malformed, its checksum is wrong, or it is out of range." },
  { number: 15, code: "key_mismatch", origin: "module", status: 422, title: "The private key is not the author's." },
  { number: 16, code: "invalid_signature", origin: "module", status: 422, title: "The signature is malformed or its checksum is wrong." },
  { number: 17, code: "noncanonical_signature", origin: "module", status: 422, title: "The signature is not in its one canonical form." },
  { number: 18, code: "signature_mismatch", origin: "module", status: 422, title: "The signature is not the author's signature of this event." },
  { number: 19, code: "hash_mismatch", origin: "module", status: 422, title: "The content does not have the expected hash." },
  { number: 20, code: "invalid_proof", origin: "module", status: 422, title: "The Merkle inclusion proof is malformed or does not lead to the root." },
  { number: 21, code: "invalid_argument", origin: "module", status: 400, title: "An argument of the call has the wrong form." },
  { number: 22, code: "invalid_receipt", origin: "module", status: 422, title: "The receipt is malformed." },
  { number: 23, code: "invalid_checkpoint", origin: "module", status: 422, title: "The checkpoint is malformed, or a signature line that it must have is missing." },
  { number: 24, code: "proof_mismatch", origin: "module", status: 422, title: "Parts of the proof belong to different events, logs or keys." },
  { number: 25, code: "untrusted_key", origin: "module", status: 422, title: "The keys that are trusted are not those that signed." },
  { number: 26, code: "insufficient_witnesses", origin: "module", status: 422, title: "Fewer witnesses have cosigned the checkpoint than the policy asks for." },
  { number: 27, code: "invalid_anchor", origin: "module", status: 422, title: "The anchor is malformed, or its transaction does not carry its row." },
  { number: 64, code: "not_found", origin: "host", status: 404, title: "There is no such event or resource." },
  { number: 65, code: "insufficient_redundancy", origin: "host", status: 503, title: "Too few replicas hold the event yet; it is journaled and will be retried." },
  { number: 66, code: "journal_unavailable", origin: "host", status: 503, title: "The journal cannot accept events now; nothing was stored." },
  { number: 67, code: "storage_full", origin: "host", status: 507, title: "There is no space left to store events; nothing was stored." },
  { number: 68, code: "overloaded", origin: "host", status: 503, title: "The host has too much in flight; try again later." },
  { number: 69, code: "shutting_down", origin: "host", status: 503, title: "The host is shutting down." },
  { number: 70, code: "timeout", origin: "host", status: 504, title: "The work did not finish within its deadline." },
  { number: 71, code: "request_timeout", origin: "host", status: 408, title: "The request body did not arrive in time." },
  { number: 72, code: "method_not_allowed", origin: "host", status: 405, title: "The resource does not support this method." },
  { number: 73, code: "unsupported_media_type", origin: "host", status: 415, title: "The content type of the body is not supported." },
  { number: 74, code: "invalid_parameter", origin: "host", status: 400, title: "A parameter of the request has the wrong form." },
  { number: 75, code: "unknown_parameter", origin: "host", status: 400, title: "The request has a parameter that this endpoint does not know." },
  { number: 76, code: "invalid_cursor", origin: "host", status: 400, title: "The cursor is malformed or belongs to another query." },
  { number: 77, code: "unauthorized", origin: "host", status: 401, title: "The call needs a token." },
  { number: 78, code: "forbidden", origin: "host", status: 403, title: "The call is not allowed." },
  { number: 79, code: "rate_limited", origin: "host", status: 429, title: "Too many requests; try again later." },
  { number: 80, code: "archived", origin: "host", status: 409, title: "The event is archived and has to be restored first." },
  { number: 81, code: "corrupt", origin: "host", status: 502, title: "Every reachable copy of the event is damaged." },
  { number: 82, code: "implementations_disagree", origin: "host", status: 500, title: "The module and the reference implementation disagree; the event was refused." },
  { number: 83, code: "unavailable", origin: "host", status: 503, title: "No source that may hold the event can be reached now." },
  { number: 84, code: "internal", origin: "host", status: 500, title: "The host failed; its log says why." },
  { number: 85, code: "epoch_changed", origin: "host", status: 410, title: "The place is in another order of events than the host's." },
  { number: 86, code: "proof_pending", origin: "host", status: 503, title: "No published checkpoint of the log covers the event yet; try again in a second." },
  { number: 87, code: "log_stopped", origin: "host", status: 503, title: "The log publishes nothing more until somebody sees to it; health says why." },
  { number: 88, code: "anchor_pending", origin: "host", status: 503, title: "No final anchor covers the event yet." },
  { number: 89, code: "not_on_chain", origin: "host", status: 422, title: "The chain does not have the anchor as the proof says." },
] as const;

/** What a code stands for: its number in the module's ABI, who gives it, its HTTP status, one sentence for a person. */
export type CodeInfo = (typeof codes)[number];

/** One refusal code: the same string in the module, the host's problem documents and the SDK's errors. */
export type Code = CodeInfo["code"];

/** The codes that the module itself gives. */
export type ModuleCode = Extract<CodeInfo, { origin: "module" }>["code"];

/** The codes that only a host gives. */
export type HostCode = Extract<CodeInfo, { origin: "host" }>["code"];
