package anchor

// A Part is the anchor of a proof file: a head of the log in a block of a
// chain, and what joins it to the file's checkpoint.
type Part struct {
	BlockID     string   `json:"block_id"` // 64 hex digits, the first eight of them BlockNum
	BlockNum    uint32   `json:"block_num"`
	ChainID     string   `json:"chain_id"`
	Consistency []string `json:"consistency"` // RFC 9162 §2.1.4.2, from the head to the checkpoint; never nil
	Contract    string   `json:"contract"`
	Keys        []string `json:"keys"` // PUB_K1_… or PUB_R1_…, one for each signature
	Row         Row      `json:"row"`
	Signatures  []string `json:"signatures"`
	Transaction string   `json:"transaction"` // hex of the packed transaction, without signatures
}

// A Row is a head as the contract's table has it.
type Row struct {
	Root string `json:"root"` // 64 hex digits
	Seq  uint64 `json:"seq"`
	Size uint64 `json:"size"`
	Time string `json:"time"` // of the block, as the chain writes it: 2026-11-28T05:00:00.500
}

// A Verdict is what a chain says of a Part.
type Verdict struct {
	// Found: the block is irreversible there and has the transaction, executed; or,
	// where the node keeps no such block any more, the contract has the row.
	Found bool
	// Absent: the chain has another block of that number, or another row: what the
	// part says is not on the chain.
	Absent bool
	// Why says what is missing or wrong, and, where Found rests on the row alone, so.
	Why string
}
