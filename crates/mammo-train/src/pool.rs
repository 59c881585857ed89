use candle_core::Tensor;
use rand::Rng;

/// A history of generated images, from which discriminators are trained (Shrivastava et al., arXiv 1612.07828;
/// Zhu et al. section 7.1).
///
/// Until it is full every image is kept and returned. Then half of the time a new image is returned at once, and half
/// of the time it takes the place of a random old one, which is returned.
#[derive(Debug, Clone)]
pub struct ImagePool {
    capacity: usize,
    images: Vec<Tensor>,
}

impl ImagePool {
    /// An empty pool for `capacity` images; a capacity of 0 returns every image at once.
    pub fn new(capacity: usize) -> Self {
        Self { capacity, images: Vec::new() }
    }

    /// A pool as it was when its images were read with [`Self::images`].
    pub fn restored(capacity: usize, images: Vec<Tensor>) -> Self {
        Self { capacity, images }
    }

    /// The images it holds, in order.
    pub fn images(&self) -> &[Tensor] {
        &self.images
    }

    /// Exchanges one image (1 x 1 x H x W) with the pool. What comes back has no gradient.
    pub fn query(&mut self, image: &Tensor, rng: &mut impl Rng) -> Tensor {
        let image = image.detach();
        if self.images.len() < self.capacity {
            self.images.push(image.clone());
            return image;
        }
        if self.capacity == 0 || rng.random_bool(0.5) {
            return image;
        }
        let place = rng.random_range(0..self.capacity);
        std::mem::replace(&mut self.images[place], image)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::Device;
    use mammo_core::Seed;

    fn image(value: f32) -> Tensor {
        Tensor::new(value, &Device::Cpu).unwrap()
    }

    fn value(image: &Tensor) -> f32 {
        image.to_scalar().unwrap()
    }

    #[test]
    fn it_fills_first_and_then_trades_half_of_the_time() {
        let mut pool = ImagePool::new(10);
        let mut rng = Seed(1).stream("pool");
        for i in 0..10 {
            assert_eq!(value(&pool.query(&image(i as f32), &mut rng)), i as f32);
        }
        let traded =
            (10..1010).filter(|&i| value(&pool.query(&image(i as f32), &mut rng)) != i as f32).count();
        assert!((430..570).contains(&traded), "{traded} of 1000");
        assert_eq!(pool.images().len(), 10);
    }

    #[test]
    fn a_pool_of_nothing_returns_what_it_gets() {
        let mut pool = ImagePool::new(0);
        let mut rng = Seed(1).stream("pool");
        assert!((0..50).all(|i| value(&pool.query(&image(i as f32), &mut rng)) == i as f32));
    }
}
