//! Cells to pixels. The framebuffer is only written: reading it back is slow.

use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};

use super::grid::{Cell, Ink, Paper};

const HEIGHT: RasterHeight = RasterHeight::Size16;
const GLYPH_ROWS: usize = 16;
/// Blank pixels between rows of text.
const LEADING: usize = 2;
/// Bytes of a pixel row of one cell, at most.
const STRIP_BYTES_MAX: usize = 64;

type Colour = [u8; 3];

/// How pixels lie in a framebuffer.
#[derive(Clone, Copy, Debug)]
pub(in crate::platform::bare) struct PixelLayout {
    /// Pixels in a row.
    pub(in crate::platform::bare) width: usize,
    /// Rows.
    pub(in crate::platform::bare) height: usize,
    /// Pixels from one row to the next.
    pub(in crate::platform::bare) stride: usize,
    /// Bytes of a pixel.
    pub(in crate::platform::bare) pixel_bytes: usize,
    /// What the bytes are.
    pub(in crate::platform::bare) order: ColourOrder,
}

/// What the bytes of a pixel are.
#[derive(Clone, Copy, Debug)]
pub(in crate::platform::bare) enum ColourOrder {
    /// Places of the bytes of red, green and blue.
    Bytes([usize; 3]),
    /// One byte of brightness.
    Grey,
}

/// A framebuffer as a field of cells.
pub(in crate::platform::bare) struct Canvas<B> {
    buffer: B,
    layout: PixelLayout,
}

impl<B: AsMut<[u8]>> Canvas<B> {
    /// A canvas over `buffer`; `None` if it cannot hold a cell.
    pub(in crate::platform::bare) fn new(buffer: B, layout: PixelLayout) -> Option<Self> {
        let canvas = Self { buffer, layout };
        let fits = cell_width() * layout.pixel_bytes <= STRIP_BYTES_MAX && layout.pixel_bytes > 0;
        (fits && canvas.columns() > 0 && canvas.rows() > 0).then_some(canvas)
    }

    /// Cells in a row.
    pub(super) fn columns(&self) -> usize {
        self.layout.width.min(self.layout.stride) / cell_width()
    }

    /// Rows of cells.
    pub(super) const fn rows(&self) -> usize {
        self.layout.height / (GLYPH_ROWS + LEADING)
    }

    /// Makes the whole screen the colour of the page, borders included.
    pub(super) fn clear(&mut self) {
        let mut pixel = [0; STRIP_BYTES_MAX];
        encode(&self.layout, paper_colour(Paper::Page), &mut pixel);
        let bytes = self.layout.pixel_bytes;
        for place in self.buffer.as_mut().chunks_exact_mut(bytes) {
            place.copy_from_slice(&pixel[..bytes]);
        }
    }

    /// Draws `cell` at `row` and `column` of cells.
    pub(super) fn draw(&mut self, row: usize, column: usize, cell: Cell) {
        let glyph = get_raster(cell.character, FontWeight::Regular, HEIGHT);
        let (ink, paper) = (ink_colour(cell.ink), paper_colour(cell.paper));
        let bytes = self.layout.pixel_bytes;
        let strip_bytes = cell_width() * bytes;
        let (left, top) = (column * cell_width(), row * (GLYPH_ROWS + LEADING));
        for line in 0..GLYPH_ROWS + LEADING {
            let mut strip = [0; STRIP_BYTES_MAX];
            for (x, pixel) in strip[..strip_bytes].chunks_exact_mut(bytes).enumerate() {
                // Half of the leading is above the glyph.
                let y = line.checked_sub(LEADING / 2);
                let strength = glyph.as_ref().zip(y).and_then(|(glyph, y)| glyph.pixel(x, y)).unwrap_or(0);
                encode(&self.layout, blend(paper, ink, strength), pixel);
            }
            let start = ((top + line) * self.layout.stride + left) * bytes;
            if let Some(place) = self.buffer.as_mut().get_mut(start..start + strip_bytes) {
                place.copy_from_slice(&strip[..strip_bytes]);
            }
            if column + 1 == self.columns() {
                // The paper of the last cell goes on to the edge.
                encode(&self.layout, paper, &mut strip[..bytes]);
                let edge = ((top + line) * self.layout.stride + self.layout.width) * bytes;
                for pixel in self
                    .buffer
                    .as_mut()
                    .get_mut(start + strip_bytes..edge)
                    .unwrap_or_default()
                    .chunks_exact_mut(bytes)
                {
                    pixel.copy_from_slice(&strip[..bytes]);
                }
            }
        }
    }
}

const fn cell_width() -> usize {
    get_raster_width(FontWeight::Regular, HEIGHT)
}

fn encode(layout: &PixelLayout, colour: Colour, pixel: &mut [u8]) {
    match layout.order {
        ColourOrder::Bytes(places) => {
            for (place, value) in places.into_iter().zip(colour) {
                if let Some(byte) = pixel.get_mut(place) {
                    *byte = value;
                }
            }
        }
        ColourOrder::Grey => {
            // The weights of ITU-R BT.601 in 256ths.
            let [red, green, blue] = colour.map(u16::from);
            let [_, brightness] = (red * 77 + green * 150 + blue * 29).to_le_bytes();
            if let Some(byte) = pixel.first_mut() {
                *byte = brightness;
            }
        }
    }
}

fn blend(paper: Colour, ink: Colour, strength: u8) -> Colour {
    let mix = |from: u8, to: u8| {
        let sum = u16::from(from) * u16::from(u8::MAX - strength) + u16::from(to) * u16::from(strength);
        u8::try_from(sum / u16::from(u8::MAX)).unwrap_or(to)
    };
    [mix(paper[0], ink[0]), mix(paper[1], ink[1]), mix(paper[2], ink[2])]
}

const fn ink_colour(ink: Ink) -> Colour {
    match ink {
        Ink::Text => [0xd5, 0xdc, 0xe6],
        Ink::Dim => [0x7d, 0x8a, 0x9c],
        Ink::Accent => [0x7f, 0xb8, 0xe6],
        Ink::Good => [0x8f, 0xcf, 0xa8],
        Ink::Warning => [0xe3, 0xb3, 0x62],
        Ink::Alarm => [0xf0, 0x71, 0x78],
    }
}

const fn paper_colour(paper: Paper) -> Colour {
    match paper {
        Paper::Page => [0x12, 0x17, 0x1f],
        Paper::Header => [0x1e, 0x29, 0x38],
        Paper::Full => [0x3c, 0x7d, 0xa8],
        Paper::Empty => [0x25, 0x2e, 0x3b],
        Paper::Alarm => [0x5c, 0x1f, 0x28],
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec;
    use alloc::vec::Vec;

    use super::*;

    fn layout(pixel_bytes: usize, order: ColourOrder) -> PixelLayout {
        PixelLayout { width: 20, height: 40, stride: 24, pixel_bytes, order }
    }

    fn canvas(pixel_bytes: usize, order: ColourOrder) -> Canvas<Vec<u8>> {
        Canvas::new(vec![1; 24 * 40 * pixel_bytes], layout(pixel_bytes, order)).expect("it holds a cell")
    }

    const LETTER: Cell = Cell { character: '#', ink: Ink::Text, paper: Paper::Page };

    #[test]
    fn a_cell_is_drawn_in_its_place_and_nowhere_else() {
        let mut canvas = canvas(4, ColourOrder::Bytes([2, 1, 0]));
        assert_eq!((canvas.columns(), canvas.rows()), (20 / cell_width(), 2));
        canvas.draw(1, 1, LETTER);
        let pixels: Vec<&[u8]> = canvas.buffer.chunks(4).collect();
        let is_inside = |index: usize| {
            let (x, y) = (index % 24, index / 24);
            (cell_width()..20).contains(&x) && (18..36).contains(&y)
        };
        let changed = pixels.iter().enumerate().filter(|(_, pixel)| **pixel != [1, 1, 1, 1]);
        assert!(changed.clone().all(|(index, _)| is_inside(index)));
        // The last cell of a row goes on to the edge.
        assert_eq!(changed.count(), (20 - cell_width()) * 18);
        // Blue comes first, and the glyph has both colours.
        assert!(pixels.contains(&[0x1f, 0x17, 0x12, 0].as_slice()));
        assert!(pixels.iter().any(|pixel| pixel[2] > 0xa0));
    }

    #[test]
    fn other_pixels_work_too() {
        for (bytes, order) in [(3, ColourOrder::Bytes([0, 1, 2])), (1, ColourOrder::Grey)] {
            let mut canvas = canvas(bytes, order);
            canvas.clear();
            canvas.draw(0, 0, LETTER);
            let brightest = canvas.buffer.iter().max().copied();
            assert!(brightest > Some(0xa0), "{brightest:?}");
        }
    }

    #[test]
    fn a_buffer_that_is_too_small_is_drawn_as_far_as_it_goes() {
        let order = ColourOrder::Bytes([2, 1, 0]);
        let mut canvas = Canvas::new(vec![0; 50], layout(4, order)).expect("its layout holds a cell");
        canvas.clear();
        canvas.draw(1, 1, LETTER);
        assert!(Canvas::new(vec![0; 50], PixelLayout { width: 3, ..layout(4, order) }).is_none());
        assert!(Canvas::new(vec![0; 50], PixelLayout { pixel_bytes: 0, ..layout(4, order) }).is_none());
    }
}
