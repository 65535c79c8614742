"""Operators that have a state of their own: LSTM and SVDF."""

from __future__ import annotations

import numpy as np

from touchline.tiny import numerics, pack, recurrent
from touchline.tiny.ccode import At, Call, Constant, Scratch, Step, Struct
from touchline.tiny.graph import Clamp, Lstm, SvdfTime
from touchline.tiny.lowering.base import SUFFIX
from touchline.tiny.lowering.weighted import Weighted, connected


class Recurrent(Weighted):
    """One step, or a whole sequence, through cells."""

    def lstm(self, op: Lstm) -> Step:
        steps, inputs, size = self.image.shape[1], self.image.shape[2], self.output.shape[2]
        data = [np.asarray(tensor.data) for tensor in self.tensors[1:]]
        scale = recurrent.lstm_scale(op, self.tensors)
        zero = (self.image.q.zero_point, op.state.zero_point)
        fed = [pack.fold_bias(data[g], data[8 + g], zero[0]) for g in range(recurrent.GATES)]
        nothing = np.zeros(size, np.int32)
        kept = [pack.fold_bias(data[4 + g], nothing, zero[1]) for g in range(recurrent.GATES)]
        factor, shift = recurrent.tanh_steps(op.cell_bits)
        struct = Struct(
            "tl_lstm_sequence",
            {
                "weights": Constant(np.concatenate([w.ravel() for w in data[:4]]).astype(np.int8)),
                "state_weights": Constant(np.concatenate([w.ravel() for w in data[4:8]]).astype(np.int8)),
                "bias": Constant(np.array(fed, np.int32).ravel()),
                "state_bias": Constant(np.array(kept, np.int32).ravel()),
                "sigmoid": Constant(recurrent.sigmoid_table(), learned=False),
                "steps": steps,
                "inputs": inputs,
                "n": size,
                "m_input": tuple(m for m, _ in scale.inputs),
                "s_input": tuple(s for _, s in scale.inputs),
                "m_state": tuple(m for m, _ in scale.states),
                "s_state": tuple(s for _, s in scale.states),
                "m_keep": scale.keep[0],
                "s_keep": scale.keep[1],
                "m_fresh": scale.fresh[0],
                "s_fresh": scale.fresh[1],
                "m_hidden": scale.hidden[0],
                "s_hidden": scale.hidden[1],
                "state_zero": zero[1],
                "cell_clip": op.cell_clip or 32767,
                "cell_low": -(op.cell_clip or 32768),
                "tanh_factor": factor,
                "tanh_shift": shift,
            },
        )
        call = Call("tl_lstm_sequence_s8", (struct, At(op.inputs[0]), At(op.output), Scratch()))
        macs = steps * 4 * size * (inputs + size)
        return self.step(call, scratch=pack.up(2 * 5 * size, 8), macs=macs)

    def svdf_state(self) -> Step:
        """The features of one frame, all connected to it, behind those that the state has."""
        frame, state, filter_ = self.tensors
        weights = np.asarray(filter_.data)
        filters, inputs = weights.shape
        multiplier, shift = numerics.svdf_scale(frame, filter_, state)
        nothing = np.zeros(filters, np.int32)
        memory, macs = state.elements // filters, filters * inputs
        keys = (At(self.op.inputs[0]), At(self.op.inputs[1]), At(self.op.output))
        if state.dtype == "int16":
            struct = Struct(
                "tl_svdf_state",
                {
                    "weights": Constant(weights),
                    "bias": Constant(np.array(pack.fold_bias(weights, nothing, frame.q.zero_point), np.int32)),
                    "inputs": inputs,
                    "filters": filters,
                    "memory": memory,
                    "multiplier": multiplier,
                    "shift": shift,
                    "zero": state.q.zero_point,
                },
            )
            return self.step(Call("tl_svdf_state_s16", (struct, *keys)), macs=macs)
        flavour = self.flavour
        if flavour == "dsp" and not pack.dsp_fits(weights):
            flavour = "portable"
        layer = pack.Weighted(
            weights, nothing, [multiplier] * filters, [shift] * filters, frame.q.zero_point, out_zero=0
        )
        packed = pack.pack_fully_connected(layer, flavour)
        features = Call(
            f"tl_fully_connected_s8{SUFFIX[flavour]}", (connected(layer, packed, 1, Clamp()), keys[0], Scratch())
        )
        push = Call("tl_svdf_push_s8", (Scratch(), *keys[1:], filters, memory, state.q.zero_point))
        return self.step(features, push, scratch=pack.up(filters, 8), macs=macs)

    def svdf_time(self, op: SvdfTime) -> Step:
        state, filter_ = self.tensors[:2]
        weights = np.asarray(filter_.data)
        units = self.output.elements
        rows = weights.reshape(units, -1)
        data = self.tensors[2].data if len(self.tensors) > 2 else None
        bias = np.zeros(units, np.int32) if data is None else data.astype(np.int64).ravel()
        multiplier, shift = numerics.svdf_scale(state, filter_, self.output)
        struct = Struct(
            "tl_svdf_time",
            {
                "weights": Constant(rows),
                "bias": Constant(np.array(pack.fold_bias(rows, bias, state.q.zero_point), np.int32)),
                "units": units,
                "length": rows.shape[1],
                "multiplier": multiplier,
                "shift": shift,
                "out_zero": self.output.q.zero_point,
            },
        )
        bits = 16 if state.dtype == "int16" else 8
        call = Call(f"tl_svdf_time_s{bits}", (struct, At(op.inputs[0]), At(op.output)))
        return self.step(call, macs=weights.size)
