package main

import (
	"bytes"
	"crypto/elliptic"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"log"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/eoscanada/eos-go"
	"github.com/eoscanada/eos-go/btcsuite/btcutil/base58"
	"github.com/eoscanada/eos-go/ecc"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"golang.org/x/crypto/ripemd160"
)

// A posting is what a host puts on a chain, and where that has it. Each case
// changes some of it before it is packed and signed, or the anchor that comes of
// it afterwards.
type posting struct {
	chain    []byte
	contract string
	seq      uint64
	size     uint64
	root     []byte
	time     string
	block    uint32
	to       uint64 // size of the checkpoint that consistency leads to
	tx       *eos.Transaction
	signers  []chainKey
}

// A chainKey signs transactions.
type chainKey struct {
	public string
	sign   func(digest []byte) string
}

func chainK1(i int) chainKey {
	k := eosgoKey(i)
	return chainKey{pubK1(k), func(d []byte) string { return eosgoSign(k, d) }}
}

// chainR1 signs with a nonce that follows from the digest; r and s are as the
// library finds them, s lowered.
func chainR1(i int64) chainKey {
	c := elliptic.P256()
	n := c.Params().N
	seed := sha256.Sum256([]byte("eventseal test vectors/chain key R1"))
	x := new(big.Int).Add(new(big.Int).Rsh(new(big.Int).SetBytes(seed[:]), 1), big.NewInt(i))
	//lint:ignore SA1019 crypto/ecdh does not give the ordinate
	px, py := c.ScalarBaseMult(x.Bytes())
	return chainKey{checked("PUB_R1_", "R1", elliptic.MarshalCompressed(c, px, py)), func(d []byte) string {
		k := sha256.Sum256(append(x.Bytes(), d...))
		nonce := new(big.Int).Rsh(new(big.Int).SetBytes(k[:]), 1)
		//lint:ignore SA1019 as above
		r, ry := c.ScalarBaseMult(nonce.Bytes())
		s := new(big.Int).Mul(r, x)
		s.Add(s, new(big.Int).SetBytes(d)).Mul(s, new(big.Int).ModInverse(nonce, n)).Mod(s, n)
		id := byte(ry.Bit(0))
		if s.Cmp(new(big.Int).Rsh(n, 1)) > 0 {
			s.Sub(n, s)
			id ^= 1
		}
		if r.Cmp(n) >= 0 {
			log.Fatal("one in 2^128")
		}
		return checked("SIG_R1_", "R1", slices.Concat([]byte{31 + id}, r.FillBytes(make([]byte, 32)), s.FillBytes(make([]byte, 32))))
	}}
}

func checked(prefix, curve string, b []byte) string {
	h := ripemd160.New()
	h.Write(append(bytes.Clone(b), curve...))
	return prefix + base58.Encode(append(bytes.Clone(b), h.Sum(nil)[:4]...))
}

var expires = time.Date(2026, 11, 28, 5, 2, 0, 0, time.UTC)

// posting is of the head of the first size leaves, by one K1 key.
func (s *stage) posting(size uint64) *posting {
	chain := sha256.Sum256([]byte("eventseal test vectors/chain"))
	p := &posting{chain: chain[:], contract: "seal.anchor", seq: 42, size: size, root: s.a.tree.HashAt(size), time: "2026-11-28T05:00:00.500", block: 123456789, to: s.size, signers: []chainKey{chainK1(40)}}
	p.tx = &eos.Transaction{TransactionHeader: eos.TransactionHeader{Expiration: eos.JSONTime{Time: expires}, RefBlockNum: 0x1234, RefBlockPrefix: 0x89abcdef}}
	p.tx.Actions = []*eos.Action{p.post()}
	return p
}

// post is the contract's action for the head, by its active permission.
func (p *posting) post() *eos.Action {
	data := binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(nil, p.seq), p.size)
	return action(p.contract, "post", append(data, p.root...), p.contract+"@active")
}

func action(account, name string, data []byte, by ...string) *eos.Action {
	a := &eos.Action{Account: eos.AN(account), Name: eos.ActN(name), ActionData: eos.NewActionDataFromHexData(data)}
	for _, b := range by {
		actor, permission, _ := strings.Cut(b, "@")
		a.Authorization = append(a.Authorization, eos.PermissionLevel{Actor: eos.AN(actor), Permission: eos.PN(permission)})
	}
	return a
}

// anchor is the member of a proof file. Its signatures are checked with eos-go,
// where they are K1, and consistency with transparency-dev/merkle.
func (p *posting) anchor(s *stage) object {
	packed := must(eos.MarshalBinary(p.tx))
	digest := eos.SigDigest(p.chain, packed, nil)
	keys, signatures := []string{}, []string{}
	for _, k := range p.signers {
		sig := k.sign(digest)
		if by, err := must(ecc.NewSignature(sig)).PublicKey(digest); k.public[:7] == "PUB_K1_" && (err != nil || pointText(by.Content) != k.public) {
			log.Fatalf("%s is by %v, %v", sig, by, err)
		}
		keys, signatures = append(keys, k.public), append(signatures, sig)
	}
	consistency := [][]byte{}
	if 0 < p.size && p.size < p.to {
		consistency = must(s.a.tree.ConsistencyProof(p.size, p.to))
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, p.size, p.to, consistency, s.a.tree.HashAt(p.size), s.a.tree.HashAt(p.to)); err != nil {
			log.Fatal(err)
		}
	}
	block := sha256.Sum256([]byte("eventseal test vectors/block"))
	binary.BigEndian.PutUint32(block[:], p.block)
	return object{"chain_id": hex.EncodeToString(p.chain), "contract": p.contract, "transaction": hex.EncodeToString(packed), "keys": keys, "signatures": signatures, "consistency": hexes(consistency),
		"block_num": p.block, "block_id": hex.EncodeToString(block[:]), "row": object{"seq": p.seq, "size": p.size, "root": hex.EncodeToString(p.root), "time": p.time}}
}

// said is what a report says of an anchor.
func said(anchor object) object {
	row := anchor["row"].(object)
	id := sha256.Sum256(must(hex.DecodeString(anchor["transaction"].(string))))
	return object{"block_id": anchor["block_id"], "block_num": anchor["block_num"], "chain_id": anchor["chain_id"], "contract": anchor["contract"], "seq": row["seq"], "size": row["size"], "time": row["time"],
		"transaction_id": hex.EncodeToString(id[:])}
}
