module github.com/eventseal/eventseal

go 1.26.0

require (
	github.com/alecthomas/kong v1.17.0
	github.com/eoscanada/eos-go v0.10.2
	github.com/gowebpki/jcs v1.0.2
	github.com/pelletier/go-toml/v2 v2.4.3
	golang.org/x/crypto v0.45.0
)
