// What every entry point exports; they differ in where init finds the module.
export type { Anchor, AnchoredEvent, AnchorHealth, AnchorKind, AnchorPost, AnchorRequest, AnchorState, EventAnchor, StuckEvent } from "./anchors.js";
export { verifyStream } from "./batches.js";
export { EventSealClient, RetrievedEvents } from "./client.js";
export type { EventProof, FollowOptions, ProofCallOptions, StoreOptions, SubscribeOptions } from "./client.js";
export {
  canonicalize, createEvent, eventTypes, hashEvent, registerTypes, sha256, signEvent, validateEventHash, verifyEvent, verifyEventSignature, verifyInclusion,
  verifyMany,
} from "./core.js";
export type { CreateOptions, InclusionProof, InvalidEvent, RegisteredType, Signable, Verdict } from "./core.js";
export { codes } from "./codes.gen.js";
export type { Code, CodeInfo, HostCode, ModuleCode } from "./codes.gen.js";
export type {
  Ancestor, BadEvent, EventStatus, Filter, Health, Location, Page, Query, Receipt, ReplicaCopy, StoredEvent, StoreOutcome, Wait,
} from "./documents.js";
export { EventSealError, HostError, isCode, titleOf } from "./errors.js";
export type { ErrorCode, HostFailure, ReplicaError, SdkCode } from "./errors.js";
export type { CallOptions, ClientOptions } from "./http.js";
export {
  formatSignature, generateKeyPair, keyPairOf, parsePublicKey, parseSignature, publicKeyFromPoint, publicKeyOf, recoverPublicKey, signDigest,
  toLegacyPublicKey, verifyDigest,
} from "./keys.js";
export type { Curve, KeyPair, PrivateKey, PublicKeyParts } from "./keys.js";
export { moduleVersion } from "./module.js";
export { moduleDigest } from "./load.js";
export type { ModuleSource, Uncompiled } from "./load.js";
export { Pool } from "./pool.js";
export type { PoolOptions, WorkerLike } from "./pool.js";
export { verifyProof, verifyReceipt } from "./proofs.js";
export type {
  InvalidReceipt, PartVerdict, ProofAnchor, ProofFile, ProofOptions, ProofParts, ProofReport, ReceiptVerdict, SignedReceipt, TrustOptions, ValidReceipt,
} from "./proofs.js";
export type { Signer } from "./signer.js";
export type { JsonInput, JsonInputObject, JsonText } from "./snapshot.js";
export { EventTypes, VerifiedEvent } from "./types.js";
export type { CreatedEvent, EventInput, EventType, Json, JsonObject, Limit, SignedEvent, UnsignedEvent } from "./types.js";
