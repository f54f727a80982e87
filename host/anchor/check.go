package anchor

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/wasm/digest"
)

// Check asks a chain whether a part of a proof is as it says. That the part
// belongs to the rest of the proof, and whose signatures it has, is for the
// module to say. An error is one of the part's form, or of the way to the
// chain: then nothing is known.
func Check(ctx context.Context, client *antelope.Client, part *Part) (v Verdict, err error) {
	err = client.Use(ctx, func(ctx context.Context, n *antelope.Node) (err error) {
		v, err = check(ctx, n, part)
		return err
	})
	return v, err
}

func check(ctx context.Context, n node, part *Part) (Verdict, error) {
	packed, err := hex.DecodeString(part.Transaction)
	if err != nil {
		return Verdict{}, fmt.Errorf("the transaction is not hexadecimal: %w", err)
	}
	id, ok := digest.ParseHash(part.BlockID)
	contract, err := antelope.ParseName(part.Contract)
	if !ok || err != nil {
		return Verdict{}, fmt.Errorf("block_id or contract is not of its form")
	}
	info, err := n.Info(ctx)
	if err != nil {
		return Verdict{}, err
	}
	if info.ChainID.String() != part.ChainID {
		return Verdict{Why: "the node is of another chain, " + info.ChainID.String()}, nil
	}
	if part.BlockNum > info.LIBNum {
		return Verdict{Why: fmt.Sprintf("block %d is not irreversible there yet; %d is", part.BlockNum, info.LIBNum)}, nil
	}
	block, err := n.Block(ctx, part.BlockNum)
	switch {
	case antelope.Unserved(err):
		return checkRow(ctx, n, part, contract, info)
	case err != nil:
		return Verdict{}, err
	case block.ID != id:
		return Verdict{Absent: true, Why: fmt.Sprintf("block %d is another one, %s", part.BlockNum, block.ID)}, nil
	case block.Time.Format(rowTime) != part.Row.Time:
		return Verdict{Absent: true, Why: fmt.Sprintf("block %d is of %s", part.BlockNum, block.Time.Format(rowTime))}, nil
	}
	for _, t := range block.Transactions {
		if t.ID == antelope.ID(packed) && t.Status == "executed" {
			return Verdict{Found: true}, nil
		}
	}
	return Verdict{Absent: true, Why: fmt.Sprintf("block %d does not have the transaction, executed", part.BlockNum)}, nil
}

// checkRow asks for the contract's row, where the node does not keep the block.
func checkRow(ctx context.Context, n node, part *Part, contract antelope.Name, info antelope.Info) (Verdict, error) {
	seq := part.Row.Seq
	rows, _, err := n.Rows(ctx, antelope.RowsQuery{Code: contract, Scope: contract, Table: must("heads"), Lower: &seq, Upper: &seq, Limit: 1})
	if err != nil {
		return Verdict{}, err
	}
	s := sight{rows: map[uint64]row{}}
	if err := s.add(rows); err != nil {
		return Verdict{}, err
	}
	r, ok := s.rows[seq]
	at, err := time.Parse(rowTime, part.Row.Time)
	switch {
	case !ok:
		return Verdict{Why: fmt.Sprintf("the node keeps neither block %d nor the contract's row any more: ask one that keeps all blocks", part.BlockNum)}, nil
	case err != nil || r.size != part.Row.Size || r.root.String() != part.Row.Root || !r.time.Equal(at):
		return Verdict{Absent: true, Why: fmt.Sprintf("the contract has something else under number %d", seq)}, nil
	}
	return Verdict{Found: true, Why: fmt.Sprintf("the node does not keep block %d any more; the contract has the row", part.BlockNum)}, nil
}
