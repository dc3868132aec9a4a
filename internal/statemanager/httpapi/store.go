package httpapi

import "net/http"

// The store of a run, as its nodes see it (protocol.md §13, store).

func storeAll(c *call) error {
	values, err := c.server.StoreAll(c.namespace(), c.params[1])
	if err != nil {
		return err
	}
	return c.json(storeAnswer{Store: orEmptyMap(values)})
}

func storeGet(c *call) error {
	value, ok, err := c.server.StoreGet(c.namespace(), c.params[1], c.params[2])
	if err != nil {
		return err
	}
	if !ok {
		return refuse(http.StatusNotFound, "Key not found: "+c.params[2])
	}
	return c.json(valueAnswer{Value: value})
}

// storePut writes a key, under a condition if there is one.
func storePut(c *call, b *storeBody) error {
	ctx, ns, id, key := c.context(), c.namespace(), c.params[1], c.params[2]
	if !b.If.given {
		if err := c.server.StoreSet(ctx, ns, id, key, b.Value); err != nil {
			return err
		}
		return c.json(valueAnswer{Value: b.Value})
	}
	swapped, err := c.server.StoreSwap(ctx, ns, id, key, b.If.value, b.Value)
	if err != nil {
		return err
	}
	if !swapped {
		return refuse(http.StatusConflict, "Key has another value: "+key)
	}
	return c.json(valueAnswer{Value: b.Value})
}

func storeDelete(c *call) error {
	if err := c.server.StoreDelete(c.context(), c.namespace(), c.params[1], c.params[2]); err != nil {
		return err
	}
	return c.json(struct{}{})
}
