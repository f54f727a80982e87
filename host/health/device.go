package health

import (
	"fmt"
	"strings"

	"github.com/eventseal/eventseal/host/replica"
)

// sharedDevices warns of counting places that one broken disk would take
// together: the copies count twice and are lost at once.
func sharedDevices(places []replica.Place, folders map[string]string) (warnings []string) {
	on := map[uint64][]string{}
	var order []uint64
	for _, p := range places {
		folder, local := folders[p.Name]
		if !local || !p.Counts {
			continue
		}
		if d, ok := device(folder); ok {
			if on[d] == nil {
				order = append(order, d)
			}
			on[d] = append(on[d], p.Name)
		}
	}
	for _, d := range order {
		if names := on[d]; len(names) > 1 {
			last := len(names) - 1
			warnings = append(warnings, fmt.Sprintf("%s and %s are on one disk: its failure would take their copies together", strings.Join(names[:last], ", "), names[last]))
		}
	}
	return warnings
}
