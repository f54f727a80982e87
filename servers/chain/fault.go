package chain

import "fmt"

// An Error is a refusal of the chain, by nodeos' code and name
// (libraries/chain/include/eosio/chain/exceptions.hpp).
type Error struct {
	Code   int64
	Name   string
	What   string
	Detail string
}

func (e *Error) Error() string { return fmt.Sprintf("%d %s: %s", e.Code, e.Name, e.Detail) }

// The codes that this chain gives, and those that Refuse is asked for most.
const (
	codeGeneric           = 0
	codeAssertException   = 10
	codePacked            = 3010010
	codeBlockID           = 3010008
	codeType              = 3010000
	codeTransaction       = 3040000
	codeDecompression     = 3040001
	codeNoAuths           = 3040003
	codeExpired           = 3040005
	codeTooFar            = 3040006
	codeReference         = 3040007
	codeDuplicate         = 3040008
	codeCompression       = 3040014
	codeAssertMessage     = 3050003
	codeAssertCode        = 3050004
	codeUnaccessible      = 3050007
	codeAbort             = 3050008
	codeRAMUnauthorized   = 3050010
	codePermissionQuery   = 3060001
	codeAccountQuery      = 3060002
	codeTableQuery        = 3060003
	codeWasmExecution     = 3070002
	codeWasmSerialization = 3070003
	codeRAM               = 3080001
	codeNET               = 3080002
	codeCPU               = 3080004
	codeDuplicateSig      = 3090001
	codeIrrelevantSig     = 3090002
	codeUnsatisfied       = 3090003
	codeMissingAuth       = 3090004
	codeIrrelevantAuth    = 3090005
	codeUnknownBlock      = 3100002
	codeSubjective        = 3100006
	codeUnsupported       = 3100008
	codePayer             = 3160001
	codeTableAccess       = 3160002
	codeTableIterator     = 3160003
	codeHTTPRequest       = 3200006
	codeDB                = 3230002
	codeExactCode         = 3160008
	codeLeeway            = 3081001
	codeDeadline          = 3080006
	codeGreylistNET       = 3080007
	codeGreylistCPU       = 3080008
	codeBlockNET          = 3080003
	codeBlockCPU          = 3080005
	codeGuard             = 3060101
	codeUnknownABI        = 3015001
	codeUnpack            = 3015013
)

var faults = map[int64][2]string{
	codeGeneric:           {"exception", "unspecified"},
	codeAssertException:   {"assert_exception", "Assert Exception"},
	codePacked:            {"packed_transaction_type_exception", "Invalid packed transaction"},
	codeBlockID:           {"block_id_type_exception", "Invalid block ID"},
	codeType:              {"chain_type_exception", "chain type exception"},
	codeTransaction:       {"transaction_exception", "Transaction exception"},
	codeDecompression:     {"tx_decompression_error", "Error decompressing transaction"},
	codeNoAuths:           {"tx_no_auths", "Transaction should have at least one required authority"},
	codeExpired:           {"expired_tx_exception", "Expired Transaction"},
	codeTooFar:            {"tx_exp_too_far_exception", "Transaction Expiration Too Far"},
	codeReference:         {"invalid_ref_block_exception", "Invalid Reference Block"},
	codeDuplicate:         {"tx_duplicate", "Duplicate transaction"},
	codeCompression:       {"unknown_transaction_compression", "Unknown transaction compression"},
	codeAssertMessage:     {"eosio_assert_message_exception", "eosio_assert_message assertion failure"},
	codeAssertCode:        {"eosio_assert_code_exception", "eosio_assert_code assertion failure"},
	codeUnaccessible:      {"unaccessible_api", "Attempt to use unaccessible API"},
	codeAbort:             {"abort_called", "Abort Called"},
	codeRAMUnauthorized:   {"unauthorized_ram_usage_increase", "Action attempts to increase RAM usage of account without authorization"},
	codePermissionQuery:   {"permission_query_exception", "Permission Query Exception"},
	codeAccountQuery:      {"account_query_exception", "Account Query Exception"},
	codeTableQuery:        {"contract_table_query_exception", "Contract Table Query Exception"},
	codeGuard:             {"database_guard_exception", "Database usage is at unsafe levels"},
	codeWasmExecution:     {"wasm_execution_error", "Runtime Error Processing WASM"},
	codeWasmSerialization: {"wasm_serialization_error", "Serialization Error Processing WASM"},
	codeRAM:               {"ram_usage_exceeded", "Account using more than allotted RAM usage"},
	codeNET:               {"tx_net_usage_exceeded", "Transaction exceeded the current network usage limit imposed on the transaction"},
	codeBlockNET:          {"block_net_usage_exceeded", "Transaction network usage is too much for the remaining allowable usage of the current block"},
	codeCPU:               {"tx_cpu_usage_exceeded", "Transaction exceeded the current CPU usage limit imposed on the transaction"},
	codeBlockCPU:          {"block_cpu_usage_exceeded", "Transaction CPU usage is too much for the remaining allowable usage of the current block"},
	codeDeadline:          {"deadline_exception", "Transaction took too long"},
	codeGreylistNET:       {"greylist_net_usage_exceeded", "Transaction exceeded the current greylisted account network usage limit"},
	codeGreylistCPU:       {"greylist_cpu_usage_exceeded", "Transaction exceeded the current greylisted account CPU usage limit"},
	codeLeeway:            {"leeway_deadline_exception", "Transaction reached the deadline set due to leeway on account CPU limits"},
	codeDuplicateSig:      {"tx_duplicate_sig", "Duplicate signature included"},
	codeIrrelevantSig:     {"tx_irrelevant_sig", "Irrelevant signature included"},
	codeUnsatisfied:       {"unsatisfied_authorization", "Provided keys, permissions, and delays do not satisfy declared authorizations"},
	codeMissingAuth:       {"missing_auth_exception", "Missing required authority"},
	codeIrrelevantAuth:    {"irrelevant_auth_exception", "Irrelevant authority included"},
	codeUnknownBlock:      {"unknown_block_exception", "Unknown block"},
	codeSubjective:        {"subjective_block_production_exception", "Subjective exception thrown during block production"},
	codeUnsupported:       {"unsupported_feature", "Feature is currently unsupported"},
	codePayer:             {"invalid_table_payer", "The payer of the table data is invalid"},
	codeTableAccess:       {"table_access_violation", "Table access violation"},
	codeTableIterator:     {"invalid_table_iterator", "Invalid table iterator"},
	codeExactCode:         {"set_exact_code", "Contract is already running this version of code"},
	codeHTTPRequest:       {"invalid_http_request", "invalid http request"},
	codeDB:                {"db_api_exception", "Database API Exception"},
	codeUnknownABI:        {"abi_not_found_exception", "No ABI found"},
	codeUnpack:            {"unpack_exception", "Unpack data exception"},
}

func fault(code int64, format string, args ...any) *Error {
	f, ok := faults[code]
	if !ok {
		f = faults[codeGeneric]
	}
	return &Error{Code: code, Name: f[0], What: f[1], Detail: fmt.Sprintf(format, args...)}
}
