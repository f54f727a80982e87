// Code generated from testvectors/codes.json by go generate; DO NOT EDIT.

package code

const (
	// OK is success; it has no text form.
	OK Code = 0
	// TooLarge: The event is larger than the limit.
	TooLarge Code = 1
	// InvalidUTF8: The text is not valid UTF-8, or it begins with a byte-order mark.
	InvalidUTF8 Code = 2
	// InvalidJSON: The text is not one JSON value (RFC 8259).
	InvalidJSON Code = 3
	// DuplicateKey: An object has the same member name twice.
	DuplicateKey Code = 4
	// LoneSurrogate: A string has an unpaired surrogate.
	LoneSurrogate Code = 5
	// NumberOutOfRange: A number is outside the range of an IEEE 754 double.
	NumberOutOfRange Code = 6
	// NumberNotInteroperable: An integer would change in its canonical form.
	NumberNotInteroperable Code = 7
	// DepthExceeded: The value is nested too deeply.
	DepthExceeded Code = 8
	// MissingField: A required member of the event is missing.
	MissingField Code = 9
	// UnknownField: The event has a member that version 1 does not know.
	UnknownField Code = 10
	// InvalidField: A member of the event has the wrong form.
	InvalidField Code = 11
	// UnknownType: The event type is not registered.
	UnknownType Code = 12
	// InvalidPublicKey: The public key is malformed, its checksum is wrong, or it is not on the curve.
	InvalidPublicKey Code = 13
	// InvalidPrivateKey: The private key is malformed, its checksum is wrong, or it is out of range.
	InvalidPrivateKey Code = 14
	// KeyMismatch: The private key is not the author's.
	KeyMismatch Code = 15
	// InvalidSignature: The signature is malformed or its checksum is wrong.
	InvalidSignature Code = 16
	// NoncanonicalSignature: The signature is not in its one canonical form.
	NoncanonicalSignature Code = 17
	// SignatureMismatch: The signature is not the author's signature of this event.
	SignatureMismatch Code = 18
	// HashMismatch: The content does not have the expected hash.
	HashMismatch Code = 19
	// InvalidProof: The Merkle inclusion proof is malformed or does not lead to the root.
	InvalidProof Code = 20
	// InvalidArgument: An argument of the call has the wrong form.
	InvalidArgument Code = 21
	// InvalidReceipt: The receipt is malformed.
	InvalidReceipt Code = 22
	// InvalidCheckpoint: The checkpoint is malformed, or a signature line that it must have is missing.
	InvalidCheckpoint Code = 23
	// ProofMismatch: Parts of the proof belong to different events, logs or keys.
	ProofMismatch Code = 24
	// UntrustedKey: The keys that are trusted are not those that signed.
	UntrustedKey Code = 25
	// InsufficientWitnesses: Fewer witnesses have cosigned the checkpoint than the policy asks for.
	InsufficientWitnesses Code = 26
	// InvalidAnchor: The anchor is malformed, or its transaction does not carry its row.
	InvalidAnchor Code = 27
	// NotFound: There is no such event or resource.
	NotFound Code = 64
	// InsufficientRedundancy: Too few replicas hold the event yet; it is journaled and will be retried.
	InsufficientRedundancy Code = 65
	// JournalUnavailable: The journal cannot accept events now; nothing was stored.
	JournalUnavailable Code = 66
	// StorageFull: There is no space left to store events; nothing was stored.
	StorageFull Code = 67
	// Overloaded: The host has too much in flight; try again later.
	Overloaded Code = 68
	// ShuttingDown: The host is shutting down.
	ShuttingDown Code = 69
	// Timeout: The work did not finish within its deadline.
	Timeout Code = 70
	// RequestTimeout: The request body did not arrive in time.
	RequestTimeout Code = 71
	// MethodNotAllowed: The resource does not support this method.
	MethodNotAllowed Code = 72
	// UnsupportedMediaType: The content type of the body is not supported.
	UnsupportedMediaType Code = 73
	// InvalidParameter: A parameter of the request has the wrong form.
	InvalidParameter Code = 74
	// UnknownParameter: The request has a parameter that this endpoint does not know.
	UnknownParameter Code = 75
	// InvalidCursor: The cursor is malformed or belongs to another query.
	InvalidCursor Code = 76
	// Unauthorized: The call needs a token.
	Unauthorized Code = 77
	// Forbidden: The call is not allowed.
	Forbidden Code = 78
	// RateLimited: Too many requests; try again later.
	RateLimited Code = 79
	// Archived: The event is archived and has to be restored first.
	Archived Code = 80
	// Corrupt: Every reachable copy of the event is damaged.
	Corrupt Code = 81
	// ImplementationsDisagree: The module and the reference implementation disagree; the event was refused.
	ImplementationsDisagree Code = 82
	// Unavailable: No source that may hold the event can be reached now.
	Unavailable Code = 83
	// Internal: The host failed; its log says why.
	Internal Code = 84
	// EpochChanged: The place is in another order of events than the host's.
	EpochChanged Code = 85
	// ProofPending: No published checkpoint of the log covers the event yet; try again in a second.
	ProofPending Code = 86
	// LogStopped: The log publishes nothing more until somebody sees to it; health says why.
	LogStopped Code = 87
	// AnchorPending: No final anchor covers the event yet.
	AnchorPending Code = 88
	// NotOnChain: The chain does not have the anchor as the proof says.
	NotOnChain Code = 89
)

// All lists every refusal code in the order of its number.
var All = [...]Code{TooLarge, InvalidUTF8, InvalidJSON, DuplicateKey, LoneSurrogate, NumberOutOfRange, NumberNotInteroperable, DepthExceeded, MissingField, UnknownField, InvalidField, UnknownType, InvalidPublicKey, InvalidPrivateKey, KeyMismatch, InvalidSignature, NoncanonicalSignature, SignatureMismatch, HashMismatch, InvalidProof, InvalidArgument, InvalidReceipt, InvalidCheckpoint, ProofMismatch, UntrustedKey, InsufficientWitnesses, InvalidAnchor, NotFound, InsufficientRedundancy, JournalUnavailable, StorageFull, Overloaded, ShuttingDown, Timeout, RequestTimeout, MethodNotAllowed, UnsupportedMediaType, InvalidParameter, UnknownParameter, InvalidCursor, Unauthorized, Forbidden, RateLimited, Archived, Corrupt, ImplementationsDisagree, Unavailable, Internal, EpochChanged, ProofPending, LogStopped, AnchorPending, NotOnChain}

// String returns the code as it stands in problem documents and SDK errors; "" for OK and unknown numbers.
func (c Code) String() string {
	switch c {
	case TooLarge:
		return "too_large"
	case InvalidUTF8:
		return "invalid_utf8"
	case InvalidJSON:
		return "invalid_json"
	case DuplicateKey:
		return "duplicate_key"
	case LoneSurrogate:
		return "lone_surrogate"
	case NumberOutOfRange:
		return "number_out_of_range"
	case NumberNotInteroperable:
		return "number_not_interoperable"
	case DepthExceeded:
		return "depth_exceeded"
	case MissingField:
		return "missing_field"
	case UnknownField:
		return "unknown_field"
	case InvalidField:
		return "invalid_field"
	case UnknownType:
		return "unknown_type"
	case InvalidPublicKey:
		return "invalid_public_key"
	case InvalidPrivateKey:
		return "invalid_private_key"
	case KeyMismatch:
		return "key_mismatch"
	case InvalidSignature:
		return "invalid_signature"
	case NoncanonicalSignature:
		return "noncanonical_signature"
	case SignatureMismatch:
		return "signature_mismatch"
	case HashMismatch:
		return "hash_mismatch"
	case InvalidProof:
		return "invalid_proof"
	case InvalidArgument:
		return "invalid_argument"
	case InvalidReceipt:
		return "invalid_receipt"
	case InvalidCheckpoint:
		return "invalid_checkpoint"
	case ProofMismatch:
		return "proof_mismatch"
	case UntrustedKey:
		return "untrusted_key"
	case InsufficientWitnesses:
		return "insufficient_witnesses"
	case InvalidAnchor:
		return "invalid_anchor"
	case NotFound:
		return "not_found"
	case InsufficientRedundancy:
		return "insufficient_redundancy"
	case JournalUnavailable:
		return "journal_unavailable"
	case StorageFull:
		return "storage_full"
	case Overloaded:
		return "overloaded"
	case ShuttingDown:
		return "shutting_down"
	case Timeout:
		return "timeout"
	case RequestTimeout:
		return "request_timeout"
	case MethodNotAllowed:
		return "method_not_allowed"
	case UnsupportedMediaType:
		return "unsupported_media_type"
	case InvalidParameter:
		return "invalid_parameter"
	case UnknownParameter:
		return "unknown_parameter"
	case InvalidCursor:
		return "invalid_cursor"
	case Unauthorized:
		return "unauthorized"
	case Forbidden:
		return "forbidden"
	case RateLimited:
		return "rate_limited"
	case Archived:
		return "archived"
	case Corrupt:
		return "corrupt"
	case ImplementationsDisagree:
		return "implementations_disagree"
	case Unavailable:
		return "unavailable"
	case Internal:
		return "internal"
	case EpochChanged:
		return "epoch_changed"
	case ProofPending:
		return "proof_pending"
	case LogStopped:
		return "log_stopped"
	case AnchorPending:
		return "anchor_pending"
	case NotOnChain:
		return "not_on_chain"
	}
	return ""
}

// Title returns one sentence for a person; "" for OK and unknown numbers.
func (c Code) Title() string {
	switch c {
	case TooLarge:
		return "The event is larger than the limit."
	case InvalidUTF8:
		return "The text is not valid UTF-8, or it begins with a byte-order mark."
	case InvalidJSON:
		return "The text is not one JSON value (RFC 8259)."
	case DuplicateKey:
		return "An object has the same member name twice."
	case LoneSurrogate:
		return "A string has an unpaired surrogate."
	case NumberOutOfRange:
		return "A number is outside the range of an IEEE 754 double."
	case NumberNotInteroperable:
		return "An integer would change in its canonical form."
	case DepthExceeded:
		return "The value is nested too deeply."
	case MissingField:
		return "A required member of the event is missing."
	case UnknownField:
		return "The event has a member that version 1 does not know."
	case InvalidField:
		return "A member of the event has the wrong form."
	case UnknownType:
		return "The event type is not registered."
	case InvalidPublicKey:
		return "The public key is malformed, its checksum is wrong, or it is not on the curve."
	case InvalidPrivateKey:
		return "The private key is malformed, its checksum is wrong, or it is out of range."
	case KeyMismatch:
		return "The private key is not the author's."
	case InvalidSignature:
		return "The signature is malformed or its checksum is wrong."
	case NoncanonicalSignature:
		return "The signature is not in its one canonical form."
	case SignatureMismatch:
		return "The signature is not the author's signature of this event."
	case HashMismatch:
		return "The content does not have the expected hash."
	case InvalidProof:
		return "The Merkle inclusion proof is malformed or does not lead to the root."
	case InvalidArgument:
		return "An argument of the call has the wrong form."
	case InvalidReceipt:
		return "The receipt is malformed."
	case InvalidCheckpoint:
		return "The checkpoint is malformed, or a signature line that it must have is missing."
	case ProofMismatch:
		return "Parts of the proof belong to different events, logs or keys."
	case UntrustedKey:
		return "The keys that are trusted are not those that signed."
	case InsufficientWitnesses:
		return "Fewer witnesses have cosigned the checkpoint than the policy asks for."
	case InvalidAnchor:
		return "The anchor is malformed, or its transaction does not carry its row."
	case NotFound:
		return "There is no such event or resource."
	case InsufficientRedundancy:
		return "Too few replicas hold the event yet; it is journaled and will be retried."
	case JournalUnavailable:
		return "The journal cannot accept events now; nothing was stored."
	case StorageFull:
		return "There is no space left to store events; nothing was stored."
	case Overloaded:
		return "The host has too much in flight; try again later."
	case ShuttingDown:
		return "The host is shutting down."
	case Timeout:
		return "The work did not finish within its deadline."
	case RequestTimeout:
		return "The request body did not arrive in time."
	case MethodNotAllowed:
		return "The resource does not support this method."
	case UnsupportedMediaType:
		return "The content type of the body is not supported."
	case InvalidParameter:
		return "A parameter of the request has the wrong form."
	case UnknownParameter:
		return "The request has a parameter that this endpoint does not know."
	case InvalidCursor:
		return "The cursor is malformed or belongs to another query."
	case Unauthorized:
		return "The call needs a token."
	case Forbidden:
		return "The call is not allowed."
	case RateLimited:
		return "Too many requests; try again later."
	case Archived:
		return "The event is archived and has to be restored first."
	case Corrupt:
		return "Every reachable copy of the event is damaged."
	case ImplementationsDisagree:
		return "The module and the reference implementation disagree; the event was refused."
	case Unavailable:
		return "No source that may hold the event can be reached now."
	case Internal:
		return "The host failed; its log says why."
	case EpochChanged:
		return "The place is in another order of events than the host's."
	case ProofPending:
		return "No published checkpoint of the log covers the event yet; try again in a second."
	case LogStopped:
		return "The log publishes nothing more until somebody sees to it; health says why."
	case AnchorPending:
		return "No final anchor covers the event yet."
	case NotOnChain:
		return "The chain does not have the anchor as the proof says."
	}
	return ""
}

// Status returns the HTTP status that the code is answered with; 200 for OK, 500 for unknown numbers.
func (c Code) Status() int {
	switch c {
	case OK:
		return 200
	case TooLarge:
		return 413
	case InvalidUTF8:
		return 400
	case InvalidJSON:
		return 400
	case DuplicateKey:
		return 400
	case LoneSurrogate:
		return 400
	case NumberOutOfRange:
		return 400
	case NumberNotInteroperable:
		return 422
	case DepthExceeded:
		return 400
	case MissingField:
		return 422
	case UnknownField:
		return 422
	case InvalidField:
		return 422
	case UnknownType:
		return 422
	case InvalidPublicKey:
		return 422
	case InvalidPrivateKey:
		return 422
	case KeyMismatch:
		return 422
	case InvalidSignature:
		return 422
	case NoncanonicalSignature:
		return 422
	case SignatureMismatch:
		return 422
	case HashMismatch:
		return 422
	case InvalidProof:
		return 422
	case InvalidArgument:
		return 400
	case InvalidReceipt:
		return 422
	case InvalidCheckpoint:
		return 422
	case ProofMismatch:
		return 422
	case UntrustedKey:
		return 422
	case InsufficientWitnesses:
		return 422
	case InvalidAnchor:
		return 422
	case NotFound:
		return 404
	case InsufficientRedundancy:
		return 503
	case JournalUnavailable:
		return 503
	case StorageFull:
		return 507
	case Overloaded:
		return 503
	case ShuttingDown:
		return 503
	case Timeout:
		return 504
	case RequestTimeout:
		return 408
	case MethodNotAllowed:
		return 405
	case UnsupportedMediaType:
		return 415
	case InvalidParameter:
		return 400
	case UnknownParameter:
		return 400
	case InvalidCursor:
		return 400
	case Unauthorized:
		return 401
	case Forbidden:
		return 403
	case RateLimited:
		return 429
	case Archived:
		return 409
	case Corrupt:
		return 502
	case ImplementationsDisagree:
		return 500
	case Unavailable:
		return 503
	case Internal:
		return 500
	case EpochChanged:
		return 410
	case ProofPending:
		return 503
	case LogStopped:
		return 503
	case AnchorPending:
		return 503
	case NotOnChain:
		return 422
	}
	return 500
}
