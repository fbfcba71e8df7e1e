//! Several lazy things at once: vectors, slices, arrays, tuples and maps, with what stands between them.

/// Implements one of the traits [`Compute`](crate::graph::Compute) and [`Persist`](crate::graph::Persist), whose type of
/// results is `$Results`, for arrangements of what has it, and for plain values.
macro_rules! arrangements {
    ($Trait:ident, $Results:ident) => {
        $crate::graph::arrangement::arrangements! { @sequences $Trait $Results
            [C] Vec<C>, C;
            ['a, C] &'a Vec<C>, &'a C;
            ['a, C] &'a [C], &'a C;
        }

        impl<C: $Trait, const N: usize> $Trait for [C; N] {
            type $Results = [C::$Results; N];

            fn ask(&self, asked: &mut Asked) {
                self.iter().for_each(|item| item.ask(asked));
            }

            fn collect(self, computed: &mut Computed) -> Self::$Results {
                self.map(|item| item.collect(computed))
            }
        }

        impl<'a, C, const N: usize> $Trait for &'a [C; N]
        where
            &'a C: $Trait,
        {
            type $Results = [<&'a C as $Trait>::$Results; N];

            fn ask(&self, asked: &mut Asked) {
                self.iter().for_each(|item| item.ask(asked));
            }

            fn collect(self, computed: &mut Computed) -> Self::$Results {
                self.each_ref().map(|item| item.collect(computed))
            }
        }

        impl<K: Ord, C: $Trait> $Trait for std::collections::BTreeMap<K, C> {
            type $Results = std::collections::BTreeMap<K, C::$Results>;

            fn ask(&self, asked: &mut Asked) {
                self.values().for_each(|item| item.ask(asked));
            }

            fn collect(self, computed: &mut Computed) -> Self::$Results {
                self.into_iter().map(|(key, item)| (key, item.collect(computed))).collect()
            }
        }

        impl<'a, K: Ord + Clone, C> $Trait for &'a std::collections::BTreeMap<K, C>
        where
            &'a C: $Trait,
        {
            type $Results = std::collections::BTreeMap<K, <&'a C as $Trait>::$Results>;

            fn ask(&self, asked: &mut Asked) {
                self.values().for_each(|item| item.ask(asked));
            }

            fn collect(self, computed: &mut Computed) -> Self::$Results {
                self.iter().map(|(key, item)| (key.clone(), item.collect(computed))).collect()
            }
        }

        $crate::graph::arrangement::arrangements! { @tuples $Trait $Results
            [A] [A B] [A B C] [A B C D] [A B C D E] [A B C D E F] [A B C D E F G] [A B C D E F G H]
        }

        $crate::graph::arrangement::arrangements! { @values $Trait $Results
            i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize f32 f64 bool char String &str
        }
    };
    (@sequences $Trait:ident $Results:ident $([$($generics:tt)*] $sequence:ty, $item:ty;)*) => {$(
        impl<$($generics)*> $Trait for $sequence
        where
            $item: $Trait,
        {
            type $Results = Vec<<$item as $Trait>::$Results>;

            fn ask(&self, asked: &mut Asked) {
                self.iter().for_each(|item| item.ask(asked));
            }

            fn collect(self, computed: &mut Computed) -> Self::$Results {
                self.into_iter().map(|item| item.collect(computed)).collect()
            }
        }
    )*};
    (@tuples $Trait:ident $Results:ident $([$($part:ident)+])*) => {$(
        impl<$($part: $Trait),+> $Trait for ($($part,)+) {
            type $Results = ($($part::$Results,)+);

            #[allow(non_snake_case)]
            fn ask(&self, asked: &mut Asked) {
                let ($($part,)+) = self;
                $($part.ask(asked);)+
            }

            #[allow(non_snake_case)]
            fn collect(self, computed: &mut Computed) -> Self::$Results {
                let ($($part,)+) = self;
                ($($part.collect(computed),)+)
            }
        }

        impl<'a, $($part),+> $Trait for &'a ($($part,)+)
        where
            $(&'a $part: $Trait,)+
        {
            type $Results = ($(<&'a $part as $Trait>::$Results,)+);

            #[allow(non_snake_case)]
            fn ask(&self, asked: &mut Asked) {
                let ($($part,)+) = *self;
                $($part.ask(asked);)+
            }

            #[allow(non_snake_case)]
            fn collect(self, computed: &mut Computed) -> Self::$Results {
                let ($($part,)+) = self;
                ($($part.collect(computed),)+)
            }
        }
    )*};
    (@values $Trait:ident $Results:ident $($value:ty)*) => {$(
        impl $Trait for $value {
            type $Results = Self;

            fn ask(&self, _: &mut Asked) {}

            fn collect(self, _: &mut Computed) -> Self {
                self
            }
        }
    )*};
}

pub(crate) use arrangements;
