//go:build tinygo.wasm

package main

// What the chain has for contracts, as nodeos names it. An iterator is a
// number of the chain's, -1 none.

//go:wasmimport env action_data_size
func actionDataSize() uint32

//go:wasmimport env read_action_data
func readActionData(to *[postSize + slotSize]byte, size uint32) uint32

//go:wasmimport env require_auth
func requireAuth(account uint64)

//go:wasmimport env eosio_assert
func eosioAssert(holds uint32, message *byte)

//go:wasmimport env current_time
func currentTime() uint64 // of the block, in µs since 1970

//go:wasmimport env db_end_i64
func dbEnd(code, scope, table uint64) int32

//go:wasmimport env db_previous_i64
func dbPrevious(iterator int32, primary *uint64) int32

//go:wasmimport env db_find_i64
func dbFind(code, scope, table, primary uint64) int32

//go:wasmimport env db_get_i64
func dbGet(iterator int32, to *[2]uint64, size uint32) int32

//go:wasmimport env db_store_i64
func dbStore(scope, table, payer, primary uint64, from *[postSize + slotSize]byte, size uint32) int32

//go:wasmimport env db_remove_i64
func dbRemove(iterator int32)
