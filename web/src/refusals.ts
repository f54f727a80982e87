/** What a code means to a person, and what that person can do about it. */
export interface Explanation {
  what: string
  todo: string
}

/**
 * One entry for every code in testvectors/codes.json and of the SDK; a test
 * holds them against each other.
 */
export const explanations: Record<string, Explanation> = {
  too_large: {
    what: 'This event is larger than the host accepts.',
    todo: 'Shorten the body or the proofs. Put large material elsewhere and link to it.',
  },
  invalid_utf8: {
    what: 'The text holds bytes that are not valid UTF-8, or begins with a byte-order mark.',
    todo: 'Save or copy the text again as plain UTF-8.',
  },
  invalid_json: {
    what: 'The text is not valid JSON.',
    todo: 'Look for a missing comma, quote or bracket near the place named.',
  },
  duplicate_key: {
    what: 'An object has the same member name twice.',
    todo: 'Keep one of the two: readers would not agree on which one counts.',
  },
  lone_surrogate: {
    what: 'A text holds half of a character (an unpaired surrogate).',
    todo: 'Delete the damaged character and type it again.',
  },
  number_out_of_range: {
    what: 'A number is too large to be kept exactly.',
    todo: 'Write it as text, in quotes, or choose a smaller unit.',
  },
  number_not_interoperable: {
    what: 'A whole number has more digits than JSON numbers keep, so it would change when signed.',
    todo: 'Write it as text, in quotes.',
  },
  depth_exceeded: {
    what: 'The event is nested too deeply: 64 levels are the limit.',
    todo: 'Flatten the body, or split it into several events.',
  },
  missing_field: {
    what: 'Something that every event needs is missing.',
    todo: 'Fill in the part named.',
  },
  unknown_field: {
    what: 'The event has a part that version 1 does not know.',
    todo: 'Move it into the body or the proofs.',
  },
  invalid_field: {
    what: 'A part of the event does not have the form it must have.',
    todo: 'Correct the part named. A parent is 64 lower-case hex digits and may be named once.',
  },
  unknown_type: {
    what: 'This type of event is not known here.',
    todo: 'Choose another type, or ask the operator of the host to register this one.',
  },
  invalid_public_key: {
    what: 'The public key is mistyped or damaged.',
    todo: 'Copy the whole key again, with PUB_K1_, PUB_R1_ or EOS in front.',
  },
  invalid_private_key: {
    what: 'The private key is mistyped or damaged.',
    todo: 'Copy the whole key again. It begins with PVT_K1_, PVT_R1_ or 5.',
  },
  key_mismatch: {
    what: 'This private key does not belong to the author named in the event.',
    todo: 'Choose the author’s key, or create the event anew with this one.',
  },
  invalid_signature: {
    what: 'The signature is mistyped or damaged.',
    todo: 'Do not trust this copy. Ask for the event again, or sign it again if it is yours.',
  },
  noncanonical_signature: {
    what: 'The signature is not in the one form that is accepted.',
    todo: 'Sign the event again; a wallet that makes such signatures needs an update.',
  },
  signature_mismatch: {
    what: 'The author did not sign these contents.',
    todo: 'Do not trust this copy: the contents or the author’s name were changed after signing.',
  },
  hash_mismatch: {
    what: 'The contents are not those of the event that was asked for.',
    todo: 'Do not trust this copy. Another host may hold the true one.',
  },
  invalid_proof: {
    what: 'The proof of the event’s place in the log is damaged or leads elsewhere.',
    todo: 'Do not rely on it; ask for the proof again.',
  },
  invalid_argument: {
    what: 'The page asked for something in a form that the module does not take.',
    todo: 'Reload the page. If it happens again, report it.',
  },
  invalid_receipt: {
    what: 'The host’s receipt does not have the form that it must have.',
    todo: 'Do not rely on it; store the event again for another receipt.',
  },
  invalid_checkpoint: {
    what: 'The head of the log is damaged, or a signature that it must have is missing.',
    todo: 'Do not rely on it; ask for the proof again.',
  },
  proof_mismatch: {
    what: 'The parts of this proof belong to different events, logs or keys.',
    todo: 'Do not rely on it. If a host made it so, keep it: it is evidence.',
  },
  untrusted_key: {
    what: 'The keys that signed are not among those that you trust.',
    todo: 'Compare them with what the operator of the host has published.',
  },
  insufficient_witnesses: {
    what: 'Fewer of the witnesses that you trust have signed than you ask for.',
    todo: 'Ask for the proof again later, when more of them have seen the log.',
  },
  invalid_anchor: {
    what: 'The part of the proof about the chain is malformed, or its transaction does not say what the proof says.',
    todo: 'Ask for the proof again.',
  },
  not_found: {
    what: 'There is no event with this hash here.',
    todo: 'Check the hash, or ask another host.',
  },
  insufficient_redundancy: {
    what: 'Too few places hold the event so far.',
    todo: 'The host has it in its journal and keeps trying. Sending it again is safe.',
  },
  journal_unavailable: {
    what: 'The host cannot accept events at the moment. Nothing was stored.',
    todo: 'Try again later. Your signed event stays on this page.',
  },
  storage_full: {
    what: 'The host has no space left. Nothing was stored.',
    todo: 'Tell its operator, or send the event to another host.',
  },
  overloaded: {
    what: 'The host has too much to do at once.',
    todo: 'Wait a moment and try again.',
  },
  shutting_down: {
    what: 'The host is about to restart.',
    todo: 'Wait a moment and try again.',
  },
  timeout: {
    what: 'The host did not finish in time.',
    todo: 'Try again. Sending the same event twice is safe.',
  },
  request_timeout: {
    what: 'The connection was too slow: the host gave up waiting for the whole request.',
    todo: 'Try again on a better connection.',
  },
  method_not_allowed: {
    what: 'The host does not do this here.',
    todo: 'Reload the page. The host may be of another version.',
  },
  unsupported_media_type: {
    what: 'The host does not take content of this kind.',
    todo: 'Reload the page. The host may be of another version.',
  },
  invalid_parameter: {
    what: 'One of the filters is not in a form that the host understands.',
    todo: 'Correct the filter or clear it.',
  },
  unknown_parameter: {
    what: 'The host does not know one of the filters.',
    todo: 'Clear the filters. The host may be of an older version.',
  },
  invalid_cursor: {
    what: 'The list cannot go on from here.',
    todo: 'Start again from the first page.',
  },
  epoch_changed: {
    what: 'The host’s events are in another order than before: its journal was rebuilt, restored or rolled back.',
    todo: 'Start again from the first page. No event is lost by it.',
  },
  unauthorized: {
    what: 'This needs a token that the page does not have.',
    todo: 'Ask the operator of the host for access.',
  },
  forbidden: {
    what: 'The host does not accept this from you.',
    todo: 'Ask its operator whether this author may write here.',
  },
  rate_limited: {
    what: 'That was too much in a short time.',
    todo: 'Wait a moment and try again.',
  },
  archived: {
    what: 'This event is in the archive and cannot be read at once.',
    todo: 'Ask the operator of the host to restore it.',
  },
  corrupt: {
    what: 'Every copy that the host can reach is damaged.',
    todo: 'Tell its operator. Another host may hold a good copy.',
  },
  implementations_disagree: {
    what: 'The host’s two independent checks did not agree on this event, so it was refused.',
    todo: 'Report this event to the operator: it shows a fault in one of the checks.',
  },
  unavailable: {
    what: 'None of the places that may hold this event can be reached at the moment.',
    todo: 'Try again later.',
  },
  proof_pending: {
    what: 'The log has not been published up to this event yet.',
    todo: 'Try again in a moment.',
  },
  log_stopped: {
    what: 'The host’s log has stopped, so that it cannot prove anything new.',
    todo: 'Tell its operator; the status view says why. Events are stored all the same.',
  },
  anchor_pending: {
    what: 'What the host put on the chain does not cover this event finally yet.',
    todo: 'Try again in some minutes.',
  },
  not_on_chain: {
    what: 'The chain does not have what the proof says that it has.',
    todo: 'Ask another node of the chain. If it says the same, do not rely on this part of the proof.',
  },
  internal: {
    what: 'The host failed.',
    todo: 'Try again. If it happens again, give its operator the request number.',
  },

  // The SDK's own.
  not_initialized: {
    what: 'The code that checks and signs is not loaded yet.',
    todo: 'Wait a moment, or reload the page.',
  },
  unreachable: {
    what: 'The host cannot be reached.',
    todo: 'Check the connection. The page tries again by itself.',
  },
  unexpected_answer: {
    what: 'What answered is not an Eventseal host.',
    todo: 'Check the address. A proxy in between may be answering instead.',
  },
}

export function explain(code: string): Explanation {
  return (
    (Object.hasOwn(explanations, code) ? explanations[code] : undefined) ?? {
      what: 'The host refused, for a reason that this page does not know.',
      todo: 'Reload the page: the host may be of a newer version.',
    }
  )
}

const parts: Record<string, string> = {
  v: 'the version', type: 'the type', author_pubkey: 'the author', created_at: 'the time', parents: 'the parents',
  body: 'the body', proofs: 'the proofs', sig: 'the signature', record: 'the event', receipt: 'the receipt', log: 'the proof of the log', anchor: 'the anchor',
}

/** Where a JSON pointer (RFC 6901) leads within an event, in words. */
export function place(pointer: string): string {
  const steps = pointer.split('/').slice(1).map(s => s.replaceAll('~1', '/').replaceAll('~0', '~'))
  const [first, ...rest] = steps
  if (first === undefined) return ''
  const start = (Object.hasOwn(parts, first) ? parts[first] : undefined) ?? `“${first}”`
  return rest.length === 0 ? start : `${start}, at ${rest.map(s => (/^\d+$/.test(s) ? `item ${Number(s) + 1}` : s)).join(' › ')}`
}
