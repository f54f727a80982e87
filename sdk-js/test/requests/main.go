// Command requests prints, a line each, the requests to wallets that the host
// makes of the actions of testvectors/anchor/requests.json, for those that are
// to be broadcast and call nobody back, which the host's are.
package main

import (
	"encoding/json"
	"fmt"
	"log"

	"github.com/eventseal/eventseal/host/antelope"
	"github.com/eventseal/eventseal/testvectors"
	"github.com/eventseal/eventseal/wasm/digest"
)

func main() {
	log.SetFlags(0)
	text, err := testvectors.Anchor.ReadFile("anchor/requests.json")
	must(err)
	var file struct {
		Cases []struct {
			Name, Callback string
			Broadcast      bool
			Chain          string `json:"chain_id"`
			Actions        []struct {
				Account, Name string
				Authorization []struct{ Actor, Permission string }
				Data          testvectors.Hex
			}
		}
	}
	must(json.Unmarshal(text, &file))
	for _, c := range file.Cases {
		if !c.Broadcast || c.Callback != "" {
			continue
		}
		chain, ok := digest.ParseHash(c.Chain)
		if !ok {
			log.Fatal(c.Chain)
		}
		var actions []antelope.Action
		for _, a := range c.Actions {
			made := antelope.Action{Account: name(a.Account), Name: name(a.Name), Data: a.Data}
			for _, by := range a.Authorization {
				made.Authorization = append(made.Authorization, antelope.Permission{Actor: name(by.Actor), Permission: name(by.Permission)})
			}
			actions = append(actions, made)
		}
		line, err := json.Marshal(map[string]string{"name": c.Name, "uri": antelope.RequestURI(chain, actions)})
		must(err)
		fmt.Println(string(line))
	}
}

func name(text string) antelope.Name {
	n, err := antelope.ParseName(text)
	must(err)
	return n
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
