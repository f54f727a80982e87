package chain

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
)

// version is the nodeos that this one acts as.
const version = "v5.0.3"

// noSignature is a block's, which nobody signs here: what nodeos shows for the first one.
var noSignature = text("SIG_K1_", make([]byte, 65))

func (n *Node) getInfo(body []byte) (any, error) {
	if len(body) > 0 {
		var any map[string]json.RawMessage
		if err := json.Unmarshal(body, &any); err != nil || len(any) > 0 {
			return nil, fault(codeHTTPRequest, "no parameter should be given")
		}
	}
	b := n.branch()
	head, lib := hex.EncodeToString(b.head.id[:]), hex.EncodeToString(b.lib.id[:])
	return object{
		{"server_version", "d974a16d"}, {"chain_id", n.c.ID()},
		{"head_block_num", b.head.num}, {"last_irreversible_block_num", b.lib.num}, {"last_irreversible_block_id", lib},
		{"head_block_id", head}, {"head_block_time", timeText(slotTime(b.head.slot))}, {"head_block_producer", b.head.producer},
		{"virtual_block_cpu_limit", 200000000}, {"virtual_block_net_limit", 1048576000},
		{"block_cpu_limit", 200000}, {"block_net_limit", maxBlockNET},
		{"server_version_string", version}, {"fork_db_head_block_num", b.head.num}, {"fork_db_head_block_id", head},
		{"server_full_version_string", version + "-test"}, {"total_cpu_weight", "0"}, {"total_net_weight", "0"},
		{"earliest_available_block_num", n.c.first}, {"last_irreversible_block_time", timeText(slotTime(b.lib.slot))},
	}, nil
}

// fields is what get_block and get_block_info both tell.
func (b *block) fields() object {
	return object{
		{"timestamp", timeText(slotTime(b.slot))}, {"producer", b.producer}, {"confirmed", 0}, {"previous", hex.EncodeToString(b.previous[:])},
		{"transaction_mroot", hex.EncodeToString(b.trxRoot[:])}, {"action_mroot", hex.EncodeToString(b.actRoot[:])}, {"schedule_version", 0},
	}
}

func (n *Node) getBlockInfo(body []byte) (any, error) {
	var p struct {
		Num number `json:"block_num"`
	}
	if err := params(body, &p); err != nil {
		return nil, err
	}
	b := n.c.find(n.branch(), uint32(p.Num))
	if b == nil {
		return nil, fault(codeUnknownBlock, "Could not find block: %d", p.Num)
	}
	o := object{{"block_num", b.num}, {"ref_block_num", uint16(b.num)}, {"id", hex.EncodeToString(b.id[:])}}
	return append(append(o, b.fields()...), member{"producer_signature", noSignature}, member{"ref_block_prefix", b.prefix()}), nil
}

func (n *Node) getBlock(body []byte) (any, error) {
	var p struct {
		Of loose `json:"block_num_or_id"`
	}
	if err := params(body, &p); err != nil {
		return nil, err
	}
	if p.Of == "" || len(p.Of) > 64 {
		return nil, fault(codeBlockID, "Invalid Block number or ID, must be greater than 0 and less than 65 characters")
	}
	var b *block
	if num, err := strconv.ParseUint(string(p.Of), 10, 64); err == nil {
		if num <= 1<<32-1 {
			b = n.c.find(n.branch(), uint32(num))
		}
	} else {
		id, err := hex.DecodeString(string(p.Of))
		if err != nil || len(id) != 32 {
			return nil, fault(codeBlockID, "Invalid block ID: %s", p.Of)
		}
		num := uint32(id[0])<<24 | uint32(id[1])<<16 | uint32(id[2])<<8 | uint32(id[3])
		if b = n.c.find(n.branch(), num); b != nil && b.id != [32]byte(id) {
			b = nil
		}
	}
	if b == nil {
		return nil, fault(codeUnknownBlock, "Could not find block: %s", p.Of)
	}
	list := []object{}
	for _, d := range b.done {
		list = append(list, object{{"status", "executed"}, {"cpu_usage_us", d.cpu}, {"net_usage_words", d.net / 8}, {"trx", d.tx.show(n.branch().state.code)}})
	}
	return append(b.fields(), member{"new_producers", nil}, member{"producer_signature", noSignature}, member{"transactions", list},
		member{"id", hex.EncodeToString(b.id[:])}, member{"block_num", b.num}, member{"ref_block_prefix", b.prefix()}), nil
}

// account reads account_name, which has to be the one that there is.
func (n *Node) account(body []byte, what string) (*state, error) {
	var p struct {
		Account string `json:"account_name"`
	}
	if err := params(body, &p); err != nil {
		return nil, err
	}
	if p.Account != n.c.o.Account {
		return nil, fault(codeAccountQuery, "%s", what)
	}
	return &n.branch().state, nil
}

func (n *Node) getABI(body []byte) (any, error) {
	st, err := n.account(body, "unable to retrieve account abi")
	if err != nil {
		return nil, err
	}
	return object{{"account_name", n.c.self}, {"abi", json.RawMessage(st.code.abi.json)}}, nil
}

func (n *Node) getRawABI(body []byte) (any, error) {
	st, err := n.account(body, "unable to retrieve account abi")
	if err != nil {
		return nil, err
	}
	return object{
		{"account_name", n.c.self}, {"code_hash", hex.EncodeToString(st.code.digest[:])},
		{"abi_hash", fmt.Sprintf("%x", st.code.abi.digest())}, {"abi", base64.StdEncoding.EncodeToString(st.code.abi.packed)},
	}, nil
}

func (n *Node) getCodeHash(body []byte) (any, error) {
	st, err := n.account(body, "unable to retrieve account code hash")
	if err != nil {
		return nil, err
	}
	return object{{"account_name", n.c.self}, {"code_hash", hex.EncodeToString(st.code.digest[:])}}, nil
}

func (n *Node) getAccount(body []byte) (any, error) {
	st, err := n.account(body, "unable to retrieve account info")
	if err != nil {
		return nil, err
	}
	b := n.branch()
	own := n.c.o.Limits
	limit := func(m meter, most int64) object {
		now := m.at(b.head.slot)
		return object{{"used", m.used()}, {"available", max(0, most-m.used())}, {"max", most},
			{"last_usage_update_time", timeText(slotTime(max(m.last, n.c.born)))}, {"current_used", now.used()}}
	}
	permissions := []object{}
	for _, p := range slices.Sorted(maps.Keys(n.c.permissions)) {
		a := n.c.permissions[p]
		keys, linked := []object{}, []object{}
		for _, k := range a.keys {
			keys = append(keys, object{{"key", k}, {"weight", 1}})
		}
		for _, act := range slices.Sorted(maps.Keys(n.c.links)) {
			if n.c.links[act] == p {
				linked = append(linked, object{{"account", n.c.self}, {"action", act}})
			}
		}
		permissions = append(permissions, object{{"perm_name", p}, {"parent", a.parent},
			{"required_auth", object{{"threshold", 1}, {"keys", keys}, {"accounts", []any{}}, {"waits", []any{}}}}, {"linked_actions", linked}})
	}
	when := timeText(slotTime(n.c.born))
	return object{
		{"account_name", n.c.self}, {"head_block_num", b.head.num}, {"head_block_time", timeText(slotTime(b.head.slot))},
		{"privileged", false}, {"last_code_update", when}, {"created", when},
		{"ram_quota", own.RAM}, {"net_weight", 1}, {"cpu_weight", 1}, {"net_limit", limit(st.net, own.NET)}, {"cpu_limit", limit(st.cpu, own.CPU.Microseconds())},
		{"ram_usage", st.ram}, {"permissions", permissions}, {"total_resources", nil}, {"self_delegated_bandwidth", nil},
		{"refund_request", nil}, {"voter_info", nil}, {"rex_info", nil},
		{"subjective_cpu_bill_limit", object{{"used", 0}, {"available", 0}, {"max", 0}, {"last_usage_update_time", "2000-01-01T00:00:00.000"}, {"current_used", 0}}},
		{"eosio_any_linked_actions", []any{}},
	}, nil
}
