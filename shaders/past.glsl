// SPDX-License-Identifier: MIT
// The past of a convolution: a ring of the frames that it has heard, in each lane at a place of its
// own (Paine et al. 2016, "Fast Wavenet Generation Algorithm"). A frame is laid out as in
// activation.glsl; `slots`, a power of two, of them lie one behind the other, then one that is
// always zero. The present frame is written to a slot that this step reads in no lane.
//
// Where a lane is, is the first quad of an activation buffer, two of which take turns:

struct Place {
    uint number; // of the present frame; wraps
    uint heard;  // frames before it since the lane was reset; stands at HEARD_MOST
    uint unused[2];
};

const uint HEARD_MOST = 0x40000000u; // longer than every past

Place behind(Place place)
{
    return Place(place.number + 1u, min(place.heard + 1u, HEARD_MOST), uint[2](0u, 0u));
}

// Of the frame so many frames ago.
int past_slot(Place place, int ago, int slots)
{
    return uint(ago) <= place.heard ? int((place.number - uint(ago)) & uint(slots - 1)) : slots;
}
