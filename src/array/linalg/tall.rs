//! The factors of a long and narrow matrix, by blocks of rows: each block has factors Q and R; the Rs, one below the other,
//! have factors again, and so on, until one R is left. What the Qs are multiplied with comes back down the same way.

use crate::Delayed;
use crate::array::block_node::block_node;
use crate::array::kernel::{Dense, Kernel, Piece, Pieces, Product, ProductAxes};
use crate::array::{Array, ArrayError, Block, Element};

/// How many factors R one task puts one below the other.
const FAN_IN: usize = 8;

/// A matrix as orthonormal blocks of rows and a small factor R.
pub(super) struct Tall<T> {
    /// With all columns in one chunk.
    matrix: Array<T>,
    /// From the blocks of the matrix to the last of all.
    levels: Vec<Vec<Factors>>,
}

struct Factors {
    q: Delayed<Block>,
    r: Delayed<Block>,
    rows: usize,
    /// Of Q, and the rows of R.
    columns: usize,
}

impl<T: Element> Tall<T> {
    pub(super) fn new(x: &Array<T>) -> Result<Self, ArrayError> {
        let matrix = x.rechunk(vec![x.chunks()[0].clone(), vec![x.shape()[1]]])?;
        let width = matrix.shape()[1];
        let blocks = matrix.blocks().iter().zip(&matrix.chunks()[0]).enumerate();
        let mut level: Vec<Factors> =
            blocks.map(|(number, (block, rows))| factors::<T>(number, vec![block.clone()], *rows, width)).collect();
        let mut levels = Vec::new();
        while level.len() > 1 {
            let stacks = level.chunks(FAN_IN).enumerate().map(|(number, stack)| {
                let inputs = stack.iter().map(|factors| factors.r.clone()).collect();
                factors::<T>(number, inputs, stack.iter().map(|factors| factors.columns).sum(), width)
            });
            let above = stacks.collect();
            levels.push(std::mem::replace(&mut level, above));
        }
        levels.push(level);
        Ok(Self { matrix, levels })
    }

    /// The length of the small side: the columns of Q and the rows of R.
    pub(super) fn rank(&self) -> usize {
        let [rows, columns] = self.shape();
        rows.min(columns)
    }

    pub(super) fn shape(&self) -> [usize; 2] {
        [self.matrix.shape()[0], self.matrix.shape()[1]]
    }

    /// The lengths of the blocks of rows.
    pub(super) fn rows(&self) -> &[usize] {
        &self.matrix.chunks()[0]
    }

    /// The small factor.
    pub(super) fn r(&self) -> Option<Delayed<Block>> {
        self.levels.last()?.first().map(|factors| factors.r.clone())
    }

    /// The blocks of Q, times a square matrix if there is one.
    pub(super) fn q(&self, by: Option<Delayed<Block>>) -> Vec<Delayed<Block>> {
        let rank = self.rank();
        let mut factor = vec![by];
        for (level, below) in (0..self.levels.len()).rev().map(|level| (&self.levels[level], level.checked_sub(1))) {
            let whole: Vec<Delayed<Block>> = level
                .iter()
                .zip(&factor)
                .enumerate()
                .map(|(number, (factors, by))| match by {
                    Some(by) => multiplied::<T>(number, factors, by, rank),
                    None => factors.q.clone(),
                })
                .collect();
            let Some(below) = below else { return whole };
            factor = Vec::with_capacity(self.levels[below].len());
            for (stack, whole) in self.levels[below].chunks(FAN_IN).zip(&whole) {
                let mut start = 0;
                for part in stack {
                    factor.push(Some(rows_of::<T>(factor.len(), whole, start, part.columns, rank)));
                    start += part.columns;
                }
            }
        }
        Vec::new()
    }
}

/// A block as an input of others, one of the parts that a task gives.
pub(super) fn part(parts: &Delayed<Block>, number: usize, nbytes: usize) -> Delayed<Block> {
    block_node(Kernel::Dense(Dense::Part(number)), &[number], nbytes, vec![parts.clone()])
}

fn factors<T: Element>(number: usize, inputs: Vec<Delayed<Block>>, rows: usize, width: usize) -> Factors {
    let columns = rows.min(width);
    let (q_nbytes, r_nbytes) = (rows * columns * T::TYPE.nbytes(), columns * width * T::TYPE.nbytes());
    let both = block_node(Kernel::Dense(Dense::Qr), &[number], q_nbytes.saturating_add(r_nbytes), inputs);
    // Each a node of its own, so that Q goes as soon as R is taken if nobody asks for Q.
    Factors { q: part(&both, 0, q_nbytes), r: part(&both, 1, r_nbytes), rows, columns }
}

fn multiplied<T: Element>(number: usize, factors: &Factors, by: &Delayed<Block>, rank: usize) -> Delayed<Block> {
    let axes = ProductAxes { left_batch: 0, right_batch: 0, left: vec![1], right: vec![0] };
    let shape = vec![factors.rows, rank];
    let kernel = Product { element: T::TYPE, shape, partials: 0, axes: axes.into() };
    let nbytes = factors.rows * rank * T::TYPE.nbytes();
    block_node(Kernel::Product(kernel), &[number, 0], nbytes, vec![factors.q.clone(), by.clone()])
}

fn rows_of<T: Element>(
    number: usize,
    block: &Delayed<Block>,
    start: usize,
    count: usize,
    width: usize,
) -> Delayed<Block> {
    let shape = vec![count, width];
    let piece = Piece { from: vec![start, 0], at: vec![0, 0], shape: shape.clone() };
    let pieces = Pieces { shape, element: T::TYPE, pieces: vec![piece] };
    block_node(Kernel::Pieces(pieces), &[number, 0], count * width * T::TYPE.nbytes(), vec![block.clone()])
}
