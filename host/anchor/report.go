package anchor

import (
	"time"

	"github.com/eventseal/eventseal/host/journal"
)

// The states of an anchor, and of each of its two kinds of posts.
const (
	Starting  = "starting"  // the chain was not seen yet
	Anchoring = "anchoring" // what is due is posted, and what is posted becomes final
	Waiting   = "waiting"   // something has to be mended or to come back first; it goes on by itself then
	Stopped   = "stopped"   // what is on the chain is not this host's: nothing of the kind is posted
)

// The states of a post. All but queued are those of journal.PostState.
const (
	Queued    = "queued"    // due, or waiting for what it rests on; nothing was made of it yet
	Submitted = "submitted" // its bytes are durable here, and may have been sent
	Included  = "included"  // the chain has it in a block that may be dropped yet
	Final     = "final"     // in one that cannot
	Failed    = "failed"    // the chain refuses it, for the reason that is given; it is tried again
)

// A State is how anchoring stands. Its JSON is what /v1/anchor answers.
type State struct {
	State string    `json:"state"` // the worse one of the kinds'
	Why   string    `json:"why"`   // in words, with what to do; "" while all is well
	Since time.Time `json:"since"` // of State

	ChainID    string `json:"chain_id"` // 64 hex digits; "" until a node has told it
	Contract   string `json:"contract"`
	Permission string `json:"permission"`
	Signer     string `json:"signer"` // key, wallet

	Heads  Kind  `json:"heads"`
	Events *Kind `json:"events"` // null: single events are not anchored

	LastFinalAt *time.Time `json:"last_final_at"` // when a post was last found to be final; null: never
	Stuck       []Stuck    `json:"stuck"`         // events that are held back no longer for, up to 100
	Requests    []Request  `json:"requests"`      // what a wallet has to sign now
	Posts       []Post     `json:"posts"`         // the newest of both kinds, the newest first, up to 20
}

// A Kind is how the posts of one kind stand.
type Kind struct {
	State   string `json:"state"`
	Why     string `json:"why"`
	Number  uint64 `json:"number"`  // the last that the contract has given, as last seen
	Backlog uint64 `json:"backlog"` // events that no final post of the kind covers
	Posts   int    `json:"posts"`   // that are submitted, included or failed
	Queued  *Post  `json:"queued"`  // what is due next, if anything is
	Final   *Post  `json:"final"`   // the newest that is final
}

// A Stuck event is not in enough places, or cannot be read, for longer than
// Patience.
type Stuck struct {
	Sequence uint64 `json:"sequence"`
	Hash     string `json:"hash"` // "" where it cannot be read
	Why      string `json:"why"`
}

// A Request is what a wallet is to sign and send (EEP-7).
type Request struct {
	Kind string `json:"kind"` // head, events
	URI  string `json:"uri"`  // esr://…
	Post Post   `json:"post"`
}

// A Post is one transaction's worth of what is anchored.
type Post struct {
	Kind          string      `json:"kind"`   // head, events
	Number        uint64      `json:"number"` // in the contract, of the head or the first event; 0: not known yet
	Count         uint64      `json:"count"`
	Size          uint64      `json:"size,omitempty"` // of the head
	Root          string      `json:"root,omitempty"`
	Events        []PostEvent `json:"events,omitempty"`
	State         string      `json:"state"`
	Reason        string      `json:"reason"` // of failed, or what queued waits for
	TransactionID string      `json:"transaction_id"`
	BlockNum      uint32      `json:"block_num"`
	BlockID       string      `json:"block_id"`
	BlockTime     *time.Time  `json:"block_time"` // null until it is included
	QueuedAt      *time.Time  `json:"queued_at"`
	SubmittedAt   *time.Time  `json:"submitted_at"`
	FinalAt       *time.Time  `json:"final_at"`
}

// A PostEvent is one event of a post.
type PostEvent struct {
	Sequence uint64 `json:"sequence"`
	Hash     string `json:"hash"`
	Code     uint32 `json:"code"`
	Number   uint64 `json:"number"` // in the contract
}

// An Event is how one event stands: by itself, and under a head.
type Event struct {
	// State is that of Single where single events are anchored, else that of Head.
	State  string `json:"state"`
	Head   *Post  `json:"head"`   // the smallest final head that covers it, else the one that is to; null: none yet
	Single *Post  `json:"single"` // that it is in by itself, with only its own entry in Events; null: none
}

var (
	postKinds  = map[journal.PostKind]string{journal.PostHead: "head", journal.PostEvents: "events"}
	postStates = map[journal.PostState]string{
		journal.PostSubmitted: Submitted, journal.PostIncluded: Included, journal.PostFinal: Final, journal.PostFailed: Failed,
	}
)
